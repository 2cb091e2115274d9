"""``python -m search.ensemble``: one result out of several finished trials of a study."""
