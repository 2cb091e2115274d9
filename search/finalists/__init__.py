"""``search.finalists``: train the best trials again over fresh seeds and name a winner.

Arguments named ``study``, ``folders`` and ``data`` are as in :mod:`search.analysis`.
"""
