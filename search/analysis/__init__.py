"""Compute what recorded trials say: comparisons, intervals, importance, mistakes, trade-offs.

Put here statistics over trials and their wording. Pages and terminal output are made elsewhere, from these results.
May import ``recorded`` and what is below it.

Throughout, ``study`` is a recorded study, ``folders`` is where its trials left their predictions, and ``data`` or
``directory`` is the folder with the tasks' files if it has moved since they were trained, else None.
"""
