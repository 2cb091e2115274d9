"""``search.clean``: find and delete files that are no longer needed."""
