"""``search.doctor``: check whether everything a study needs is there.

May import ``console`` and what is below it; no other command.
"""
