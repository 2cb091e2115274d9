"""Read studies back from a storage: the study, its space, its best trials and its provenance.

Put here what later commands ask of a recorded study, and studies that start from one (warm start, fine search). May
import ``preflight``, ``study`` and what is below them.
"""
