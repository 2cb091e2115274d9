"""Stop unpromising runs early, at the rungs of a study, with pruners chosen by name.

Put here a new pruner and register it in ``registry.py``. May import ``trials`` and what is below it.
"""
