"""Keep studies where Optuna keeps them, safely.

Put here everything that touches an Optuna storage: opening a database by URL, grouped transactions, waiting for a
database that does not answer, the leases that admit one driver, and all use of Optuna's private API
(``optuna_internals.py`` and ``rdb.py``). Imports nothing else of ``search``.
"""
