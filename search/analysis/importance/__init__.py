"""Estimate how much each setting matters, and its effect over its values.

May import what ``search.analysis`` may.
"""
