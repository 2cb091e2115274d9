"""Read parts of a TOML file and name the place of a mistake.

Put here what any table of a study file needs: errors that carry a key, the line of a key, pydantic's messages in plain
words, a part chosen by name. May import ``display``.
"""
