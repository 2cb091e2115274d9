"""``python -m search.ablate``: what each technique of the winner brings."""
