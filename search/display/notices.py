"""Lines that tell the user what a command waits for or goes on without."""

from __future__ import annotations

import warnings

__all__ = ["notice"]


def notice(text: str) -> None:
    """Warn, even if the same text was shown before: Python's own warnings show a text once."""
    warnings.warn_explicit(text, UserWarning, __name__, 0, registry={})
