"""The parts of a report, from which its HTML page, Markdown file and CSV files are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pandas as pd
import plotly.graph_objects as go

from search.display.table import Table

__all__ = ["MOST_ROWS", "Chart", "Code", "Fold", "Heading", "Headline", "Note", "Part", "ReportSection", "TrialBrowser"]

MOST_ROWS = 50
"""Rows of a table that are shown at first. A page can show the others; Markdown leaves them to the CSV files."""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Note:
    """A paragraph in small print that explains how to read what it accompanies."""

    text: str


@dataclass(frozen=True)
class Headline:
    """A number in large print.

    Attributes:
        label: what the number is.
        number: as text.
        details: follow the number: its interval, and what it belongs to.
    """

    label: str
    number: str
    details: str


@dataclass(frozen=True)
class Code:
    """Text to type, or the contents of a file."""

    text: str


@dataclass(frozen=True)
class Chart:
    """A figure; Markdown leaves it out.

    Attributes:
        figure: with the style of :mod:`search.display.figure_style`.
        caption: what it shows; empty if the section's title says so.
        is_wide: whether it has a row to itself; others share a row if there is room.
    """

    figure: go.Figure
    caption: str = ""
    is_wide: bool = False


@dataclass(frozen=True)
class Fold:
    """Details that are hidden until the reader opens them, and printed only if open."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class TrialBrowser:
    """A table of trials; the page shows details of a trial when its row is selected.

    Attributes:
        table: one row per trial, with its number first.
        details: JSON data for the page's script; see :func:`search.report.sections.trials`.
    """

    table: Table
    details: Mapping[str, Any]


Part: TypeAlias = str | Note | Heading | Headline | Code | Table | TrialBrowser | Chart | Fold
"""A string is a paragraph."""


@dataclass(frozen=True)
class ReportSection:
    """A part of the report with a title.

    Attributes:
        anchor: id and class of the section's element in the page, for links and tests.
        title: empty for the first section, which follows the study's name.
        frames: unrounded numbers, by the name of a CSV file.
    """

    anchor: str
    title: str
    parts: tuple[Part, ...]
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
