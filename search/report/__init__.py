"""``python -m search.report``: what a study found, as one HTML page, Markdown and CSV."""
