"""``search.pareto``: find the best overall score for every cost."""
