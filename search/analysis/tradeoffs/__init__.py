"""Compare tasks with each other: which trials are best for some task, and what the others give up.

May import what ``search.analysis`` may.
"""
