"""Keep studies where Optuna keeps them, safely.

Put here everything that touches an Optuna storage: opening it by URL, grouped transactions, waiting for a database,
the lease that admits one driver, and all use of Optuna's private API (``optuna_internals.py`` and the files that it
names). Imports nothing else of ``search``.
"""
