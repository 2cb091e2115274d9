"""``search.ablate``: train the winner again with each technique off in turn."""
