"""``search.score``: score exported predictions on test labels, and compare with what was expected.

May import ``console`` and what is below it; no other command.
"""
