"""Read tables from files: delimited text, JSON and Parquet, in any of the encodings that people have; and Hub data sets.

:func:`data.tables.read.read_table` finds out which format a file has. Modules import only :mod:`data.errors` and each
other.
"""
