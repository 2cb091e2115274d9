"""Check all that a study needs before its first trial.

Put here checks of data files, further examples, NLI files and the encoder. May import ``study``, ``executors`` and
what is below them.
"""
