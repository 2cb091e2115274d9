"""``python -m search.clean``: what can be freed on disk, shown before it is."""
