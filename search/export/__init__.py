"""``search.export``: write the winner's predictions and its model.

May import ``ensemble``, ``finalists``, ``console`` and what is below it.
"""
