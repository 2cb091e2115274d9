"""Describe what is searched: settings, their values, conditions and shares.

Put here a new kind of searched value: a subclass of ``Distribution`` (``distribution.py``) in a file of its own, with a
line in ``kinds.py``. The other modules read a space, propose from it, try it out, compare it and narrow it without
knowing the kinds. Knows RunConfig and no study. May import ``parsing`` and ``display``.
"""
