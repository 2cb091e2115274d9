"""``search.ablate``: train the winner again with each technique off in turn.

Arguments named ``study``, ``folders`` and ``data`` are as in :mod:`search.analysis`.

May import ``finalists`` (which trains recorded runs again), ``console`` and what is below it.
"""
