"""Markdown of every part of a report; no name or text becomes HTML or breaks a table."""

from __future__ import annotations

import plotly.graph_objects as go

from search.display.table import Table
from search.report.markdown import markdown
from search.report.parts import MOST_ROWS, Chart, Code, Fold, Heading, Headline, Note, Part, ReportSection, TrialBrowser

CHART = Chart(go.Figure(), "a curve")
SCRIPT = "<script>alert(1)</script>"
PLAIN = "&lt;script>alert(1)&lt;/script>"


def text_of(*parts: Part, title: str = "Scores") -> str:
    """Return the Markdown of one section, without the title and the last line."""
    return (
        markdown("study", [ReportSection("a", title, parts)], "made by us")
        .removeprefix("# study\n\n")
        .removesuffix("\n\nmade by us\n")
    )


def test_every_part() -> None:
    table = Table("best", ("", "sst"), (("mean", "0.5"),), footer=(("sum", "1"),))
    found = text_of(
        "A paragraph.",
        Note("Small print."),
        Heading("Part"),
        Headline("Score", "0.70", "of trial 3"),
        Code("onebert run"),
        table,
        TrialBrowser(Table("", ("trial",), (("7",),)), {"x": 1}),
        CHART,
        Fold("More", ("Hidden.", Heading("Deeper"))),
    )
    assert found.split("\n\n") == [
        "## Scores",
        "A paragraph.",
        "*Small print.*",
        "### Part",
        "Score: **0.70** of trial 3",
        "```\nonebert run\n```",
        "best:",
        "|  | sst |\n| --- | --- |\n| mean | 0.5 |\n| sum | 1 |",
        "| trial |\n| --- |\n| 7 |",
        "### More",
        "Hidden.",
        "#### Deeper",
    ]


def test_sections_and_folds_of_figures_only_are_left_out() -> None:
    text = ReportSection("b", "Text", ("words", Fold("Figures", (CHART,))))
    sections = [ReportSection("a", "Curves", (CHART,)), text]
    assert markdown("study", sections, "origin") == "# study\n\n## Text\n\nwords\n\norigin\n"


def test_the_first_section_has_no_title() -> None:
    assert text_of("words", title="") == "words"


def test_nothing_is_html() -> None:
    table = Table(SCRIPT, (SCRIPT, "b"), ((SCRIPT, "x|y\nz"),), footer=((SCRIPT, "<i>"),))
    parts = (SCRIPT, Note(SCRIPT), Heading(SCRIPT), Headline(SCRIPT, SCRIPT, SCRIPT), Fold(SCRIPT, (table,)))
    text = markdown(SCRIPT, [ReportSection("a", SCRIPT, parts)], SCRIPT)
    assert "<" not in text
    assert f"| {PLAIN} | x\\|y z |\n" in text
    assert f"*{PLAIN}*" in text


def test_commands_are_unchanged() -> None:
    assert "```\na < b\n```" in markdown("s", [ReportSection("a", "t", (Code("a < b"),))], "o")


def test_long_tables_are_cut() -> None:
    rows = tuple((str(number),) for number in range(MOST_ROWS + 1200))
    found = text_of(Table("", ("n",), rows, footer=(("sum",),)))
    assert f"| {MOST_ROWS - 1} |\n| sum |\n\n*1,200 more rows are not shown.*" in found
    assert f"| {MOST_ROWS} |" not in found
