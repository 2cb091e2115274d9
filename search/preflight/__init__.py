"""Check all that a study needs before its first trial.

Put here checks of data files, further examples, NLI files and the encoder, and the generation of a corpus. May import
``study``, ``executors`` and what is below them.
"""
