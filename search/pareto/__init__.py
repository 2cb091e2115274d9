"""``search.pareto``: find the best overall score for every cost.

May import ``console`` and what is below it; no other command.
"""
