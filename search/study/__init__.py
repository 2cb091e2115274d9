"""Turn a study file into a StudySpec.

Put here a new table or key of the study file, presets, variants, first trials and limits. Opens no storage. May import
``samplers``, ``pruners``, ``trials`` and what is below them.
"""
