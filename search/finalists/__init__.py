"""``search.finalists``: train the best trials again over fresh seeds and name a winner."""
