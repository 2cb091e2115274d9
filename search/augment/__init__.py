"""``search.augment``: ask a language model for the rephrasings that a study trains on.

May import ``console`` and what is below it; no other command.
"""
