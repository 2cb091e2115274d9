"""Stop runs early: pruners by name, at the rungs of a study.

Put here a new pruner and register it in ``registry.py``. May import ``trials`` and what is below it.
"""
