"""Run a study: ask for trials, have them trained, report, prune, record.

Put here what decides about running trials: budgets and early stops, retries, duplicates, events. ``driver.py`` opens
the study and builds the parts of one run of it, and ``training_loop.py`` is the loop. The driver is the only process
that writes a study. May import ``analysis`` and what is below it.
"""
