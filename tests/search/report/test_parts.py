"""Parts of a report are data: they cannot be changed, and each kind is one that pages and Markdown know."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import get_args

import plotly.graph_objects as go
import pytest

from search.display.table import Table
from search.report.html import shown_section
from search.report.parts import Chart, Code, Fold, Heading, Headline, Note, Part, ReportSection, TrialBrowser

TABLE = Table("", ("trial", "overall"), (("3", "0.5"),))
EVERY: tuple[Part, ...] = (
    "a paragraph",
    Note("small print"),
    Heading("a heading"),
    Headline("overall", "0.5000", "of trial 3"),
    Code("python -m search.report"),
    TABLE,
    TrialBrowser(TABLE, {}),
    Chart(go.Figure()),
    Fold("more", ("a paragraph",)),
)


def test_every_kind_of_part_is_shown_by_the_page() -> None:
    """A kind that is added to the union belongs into the list above, and a page must not leave it out."""
    assert {type(part) for part in EVERY} == set(get_args(Part))
    for part in EVERY:
        (shown,) = shown_section(ReportSection("a", "title", (part,)))["parts"]
        assert shown["kind"]


@pytest.mark.parametrize("part", EVERY[1:], ids=lambda part: type(part).__name__)
def test_a_part_cannot_be_changed(part: Part) -> None:
    name = fields(part)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(part, name, "other")


def test_a_section_has_no_files_and_a_figure_no_caption_unless_they_are_given() -> None:
    one, two = ReportSection("a", "", ()), ReportSection("b", "", ())
    assert one.frames == {}
    assert one.frames is not two.frames
    chart = Chart(go.Figure())
    assert (chart.caption, chart.is_wide) == ("", False)
