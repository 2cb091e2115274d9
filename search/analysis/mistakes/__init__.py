"""Show what models get wrong: confusions, calibration, residuals, hardest examples.

May import what ``search.analysis`` may.
"""
