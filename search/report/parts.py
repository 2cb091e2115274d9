"""What a report consists of. The same parts become the HTML page, the Markdown file and the CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pandas as pd
import plotly.graph_objects as go

from search.display.table import Table

__all__ = ["MOST_ROWS", "Chart", "Code", "Fold", "Heading", "Headline", "Note", "Part", "ReportSection", "TrialBrowser"]

MOST_ROWS = 50
"""Rows of a table that are shown at first; a page has the others at hand, Markdown leaves them to the CSV files."""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Note:
    """A paragraph in small print: how to read what stands beside it."""

    text: str


@dataclass(frozen=True)
class Headline:
    """A number, large.

    Attributes:
        number: as it is written.
        words: what it is; they go on from the number.
    """

    number: str
    words: str


@dataclass(frozen=True)
class Code:
    """Text as it is to be typed, or as a file has it."""

    text: str


@dataclass(frozen=True)
class Chart:
    """A figure; Markdown leaves it out.

    Attributes:
        figure: with the style of :mod:`search.display.figure_style`.
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


@dataclass(frozen=True)
class TrialBrowser:
    """A table of trials, of which a page shows more when one is chosen.

    Attributes:
        table: a row a trial, with its number first.
        details: JSON data for the page's script; see :func:`search.report.trial_details.trial_details`.
    """

    table: Table
    details: Mapping[str, Any]


Part: TypeAlias = str | Note | Heading | Headline | Code | Table | TrialBrowser | Chart | Fold
"""A string is a paragraph."""


@dataclass(frozen=True)
class ReportSection:
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
