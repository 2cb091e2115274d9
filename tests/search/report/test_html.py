"""The values that a page's template gets for each part."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from search.display.table import Table
from search.report.html import shown_section
from search.report.parts import MOST_ROWS, Chart, Code, Fold, Heading, Headline, Note, Part, ReportSection, TrialBrowser


def chart(caption: str = "", *, is_wide: bool = False) -> Chart:
    return Chart(go.Figure(), caption, is_wide)


def parts_of(*parts: Part) -> list[dict[str, Any]]:
    section = shown_section(ReportSection("scores", "Scores", parts))
    assert (section["anchor"], section["title"]) == ("scores", "Scores")
    found: list[dict[str, Any]] = section["parts"]
    return found


def test_texts() -> None:
    assert parts_of("words", Heading("h"), Code("c"), Note("n"), Headline("Score", "0.7", "of trial 3")) == [
        {"kind": "text", "text": "words"},
        {"kind": "heading", "text": "h"},
        {"kind": "code", "text": "c"},
        {"kind": "note", "text": "n"},
        {"kind": "headline", "label": "Score", "number": "0.7", "details": "of trial 3"},
    ]


def test_consecutive_charts_share_a_grid() -> None:
    found = parts_of(chart("a"), chart("b"), chart("w", is_wide=True), chart("c"), "words", chart())
    assert [part["kind"] for part in found] == ["grid", "chart", "grid", "text", "grid"]
    captions = [[one["caption"] for one in part["charts"]] for part in found if part["kind"] == "grid"]
    assert captions == [["a", "b"], ["c"], [""]]


def test_a_chart_without_a_caption_is_described_by_the_title() -> None:
    (outer,), (fold,) = parts_of(chart()), parts_of(Fold("Details", (chart(),)))
    assert "Scores" in str(outer["charts"])
    assert "Details" in str(fold["parts"])


def test_further_rows_of_a_table_are_data() -> None:
    rows = tuple((str(number),) for number in range(MOST_ROWS + 2))
    (short,) = parts_of(Table("", ("n",), rows[:MOST_ROWS]))
    assert (short["rows"], short["count"], short["more"]) == (rows[:MOST_ROWS], MOST_ROWS, "")
    (long,) = parts_of(TrialBrowser(Table("", ("n",), rows), {"best": 7}))
    assert (long["kind"], long["rows"], long["count"]) == ("trials", rows[:MOST_ROWS], MOST_ROWS + 2)
    assert f'"{MOST_ROWS + 1}"' in str(long["more"])
    assert '"best"' in str(long["details"])
