"""How values are written in messages and tables."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["shown", "shown_list"]


def shown(value: object) -> str:
    """A setting's value as a study file would write it, without the quotes: ``none``, ``true``, ``1e-05``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)


def shown_list(values: Iterable[object]) -> str:
    """Values separated by commas."""
    return ", ".join(shown(value) for value in values)
