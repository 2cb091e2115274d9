"""``python -m search.pareto``: the overall score against what it costs."""
