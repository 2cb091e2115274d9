"""Show values, tables, figures and pages to people.

Put here what formats a result and knows nothing of studies: how a value is written, a table of strings, the style of
figures and the frame of HTML pages. Imports nothing else of ``search``.
"""
