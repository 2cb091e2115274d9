"""``search.compare``: compare two trials on the same dev examples.

May import ``console`` and what is below it; no other command.
"""
