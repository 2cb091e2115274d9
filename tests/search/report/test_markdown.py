"""The Markdown file contains no HTML and no broken tables, whatever names and texts are like."""

from __future__ import annotations

from search.display.table import Table
from search.report.markdown import markdown
from search.report.parts import Code, Fold, Heading, Headline, Note, ReportSection

SCRIPT = "<script>alert(1)</script>"
PLAIN = "&lt;script>alert(1)&lt;/script>"


def test_nothing_is_html() -> None:
    table = Table(SCRIPT, (SCRIPT, "b"), ((SCRIPT, "x|y\nz"),), footer=((SCRIPT, "<i>"),))
    parts = (SCRIPT, Note(SCRIPT), Heading(SCRIPT), Headline(SCRIPT, SCRIPT, SCRIPT), Fold(SCRIPT, (table,)))
    text = markdown(SCRIPT, [ReportSection("a", SCRIPT, parts)], SCRIPT)
    assert "<" not in text
    assert f"| {PLAIN} | x\\|y z |\n" in text
    assert f"*{PLAIN}*" in text


def test_commands_stay_as_they_are() -> None:
    assert "```\na < b\n```" in markdown("s", [ReportSection("a", "t", (Code("a < b"),))], "o")
