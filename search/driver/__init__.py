"""Run a study: ask for trials, have them trained, report, prune, record.

Put here what decides about running trials: budgets and early stops, retries, duplicates, events. The driver is the
only process that writes a study. May import ``analysis`` and what is below it.
"""
