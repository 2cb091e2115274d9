"""``search.ensemble``: average predictions or weights of several trials.

Arguments named ``study``, ``folders`` and ``data`` are as in :mod:`search.analysis`.

May import ``console`` and what is below it; no other command.
"""
