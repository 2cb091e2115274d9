"""Generate a synthetic corpus for sst, para and sts, for the quickstart and for tests."""
