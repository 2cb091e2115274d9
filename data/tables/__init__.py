"""Read files of delimited text: decode them, split them into records, and find rows that quotes have joined.

Modules import only :mod:`data.errors` and each other.
"""
