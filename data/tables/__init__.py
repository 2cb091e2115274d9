"""Read tables from files: delimited text, JSON and Parquet, in any of the encodings that people have.

:func:`data.tables.read.read_table` finds out which format a file has. Modules import only :mod:`data.errors` and each
other. Data sets of the Hugging Face Hub become files first (:mod:`data.tables.hub_sets`).
"""
