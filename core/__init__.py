"""Implement the model and its training: BERT, heads, techniques, one training run.

``trainer.py`` is one run from RunConfig to artifact folder. May import ``data``; never ``search`` or Optuna.
"""
