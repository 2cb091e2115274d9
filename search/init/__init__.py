"""``search.init``: propose a study from data files, and write its file.

Put here what is guessed from files: which splits they are, what their columns mean, what a label predicts. May import
all of ``search`` that checks a study file and its data; nothing else imports it.
"""
