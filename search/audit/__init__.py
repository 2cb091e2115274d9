"""``search.audit``: look at a study's data, before or after it has run, and list rows that deserve a look.

One module per topic: labels, lengths, unknown words, duplicates, leakage, odd texts, odd rows, likely wrong labels.
May import ``report`` for its page, and what is below it. Nothing imports it.
"""
