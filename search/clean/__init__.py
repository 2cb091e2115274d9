"""``search.clean``: find and delete files that are no longer needed.

May import ``console`` and what is below it; no other command.
"""
