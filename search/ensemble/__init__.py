"""``search.ensemble``: average predictions or weights of several trials.

Arguments named ``study``, ``folders`` and ``data`` are as in :mod:`search.analysis`.
"""
