"""Generate a synthetic corpus for sst, para and sts, for the quickstart and for tests.

May import task files and errors of ``data``.
"""
