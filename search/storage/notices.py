"""One-line notices to whoever watches a program."""

from __future__ import annotations

import warnings

__all__ = ["notice"]


def notice(text: str) -> None:
    """Warn, however often the same was said before: Python's own warnings show a text once."""
    warnings.warn_explicit(text, UserWarning, __name__, 0, registry={})
