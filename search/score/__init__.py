"""``search.score``: score exported predictions on test labels, and compare with what was expected."""
