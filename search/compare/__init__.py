"""``search.compare``: compare two trials on the same dev examples."""
