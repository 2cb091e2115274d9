"""Train trials in other processes.

Put here a new executor (the protocol is in ``base.py``), the messages between driver and worker, and the worker
itself. Knows no storage. May import ``trials`` and what is below it.
"""
