"""``search.doctor``: check whether everything a study needs is there."""
