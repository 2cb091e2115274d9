"""Keep the records of one training run: folder, checkpoints, progress, evaluations, cost, precision, memory, clock.

May import ``core.config``; it knows neither model nor data.
"""
