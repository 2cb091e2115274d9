"""Propose configurations: Optuna's samplers by name, and how they see a study.

Put here a new sampler (``registry.py``) or a new view of the history that samplers learn from. May import ``trials``
and what is below it.
"""
