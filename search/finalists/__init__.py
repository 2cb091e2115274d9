"""``python -m search.finalists``: a study's best configurations trained again over seeds, and a winner among them."""
