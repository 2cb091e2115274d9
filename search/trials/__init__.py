"""Read and write what one trial leaves, in the storage and on disk.

Put here the record of a trial, its folder, its stored predictions, its floors and the format of prediction files.
Knows no study. May import ``storage``, ``space``, ``parsing`` and ``display``.
"""
