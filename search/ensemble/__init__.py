"""``search.ensemble``: average predictions or weights of several trials."""
