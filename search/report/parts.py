"""What a report consists of. The same parts become the HTML page, the Markdown file and the CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import pandas as pd
import plotly.graph_objects as go

from search.table import Table

__all__ = ["Chart", "Fold", "Heading", "Note", "Part", "Section"]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Note:
    """A paragraph in small print: how to read what stands beside it."""

    text: str


@dataclass(frozen=True)
class Chart:
    """A figure; Markdown leaves it out.

    Attributes:
        figure: with the style of :mod:`search.figure_style`.
        caption: what it shows; empty where the section's title says it.
        is_wide: whether it has a row of its own; others stand side by side where there is room.
    """

    figure: go.Figure
    caption: str = ""
    is_wide: bool = False


@dataclass(frozen=True)
class Fold:
    """Details that are shown when they are opened, and printed when they are open."""

    title: str
    parts: tuple[Part, ...]


Part: TypeAlias = str | Note | Heading | Table | Chart | Fold
"""A string is a paragraph."""


@dataclass(frozen=True)
class Section:
    """A part of the report with a title.

    Attributes:
        anchor: a word, by which a link and a test find it: the page's element has it as id and class.
        title: empty for the first, which has the study's name above it.
        parts: in their order.
        frames: numbers in full, by the name of a CSV file.
    """

    anchor: str
    title: str
    parts: tuple[Part, ...]
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
