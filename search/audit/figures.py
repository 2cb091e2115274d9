"""Colours of the splits, the same in all figures of an audit."""

from __future__ import annotations

from data.tasks import SplitName
from search.display.figure_style import BEST_COLOUR, STATE_COLOURS

__all__ = ["split_colour"]

_COLOURS: dict[SplitName, str] = {
    "train": STATE_COLOURS["complete"],
    "dev": STATE_COLOURS["pruned"],
    "test": BEST_COLOUR,
}


def split_colour(split: SplitName) -> str:
    """Return the colour of a split in figures."""
    return _COLOURS[split]
