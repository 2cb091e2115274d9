"""Propose configurations with Optuna's samplers, chosen by name, and decide what they see of a study.

Put here a new sampler (``registry.py``) or a new view of the history that samplers learn from. May import ``trials``
and what is below it.
"""
