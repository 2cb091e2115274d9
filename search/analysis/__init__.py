"""Compute what recorded trials say: comparisons, intervals, importance, mistakes, trade-offs.

Put here statistics over trials and their wording. Pages and terminal output are made elsewhere, from these results.
May import ``recorded`` and what is below it.
"""
