"""``search.report``: write what a study found as HTML, Markdown and CSV.

Put a new section into ``sections/``; it returns parts (``parts.py``), which ``html.py`` and ``markdown.py`` render.

May import every other command's results (``finalists``, ``ablate``, ``ensemble``), ``console`` and what is below it.
"""
