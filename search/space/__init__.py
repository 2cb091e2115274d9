"""Describe what is searched: settings, their values, conditions and shares.

Put here a new kind of searched value, how a space is parsed, tried out, compared and narrowed. Knows RunConfig and
no study. May import ``parsing`` and ``display``.
"""
