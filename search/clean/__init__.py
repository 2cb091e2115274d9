"""``search.clean``: find and free what takes disk space and is not needed any more."""
