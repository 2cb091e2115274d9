"""``search.finalists``: train the best trials again over fresh seeds and name a winner.

Arguments named ``study``, ``folders`` and ``data`` are as in :mod:`search.analysis`.

May import ``console`` and what is below it; no other command.
"""
