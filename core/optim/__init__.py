"""Update weights: AdamW, parameter groups, learning-rate schedules.

May import ``core.config``, ``core.run`` and ``core.model``.
"""
