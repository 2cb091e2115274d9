"""Convert a report's sections into values for its page's template."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from search.display.pages import data_script, figure_div
from search.display.table import Table
from search.report.parts import MOST_ROWS, Chart, Code, Fold, Heading, Headline, Note, Part, ReportSection, TrialBrowser

__all__ = ["shown_section"]


def shown_section(section: ReportSection) -> dict[str, Any]:
    """Return the section as ``anchor``, ``title`` and ``parts``."""
    return {"anchor": section.anchor, "title": section.title, "parts": _parts(section.parts, section.title)}


def _parts(parts: Iterable[Part], title: str) -> list[dict[str, Any]]:
    """Return the parts of a section or fold, each with its ``kind``; consecutive charts become one part, a ``grid``.

    Charts without a caption are described by the title of the section or fold.
    """
    shown: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Chart(is_wide=False):
                if not shown or shown[-1]["kind"] != "grid":
                    shown.append({"kind": "grid", "charts": []})
                shown[-1]["charts"].append(_chart(part, title))
            case Chart():
                shown.append({"kind": "chart", **_chart(part, title)})
            case Fold():
                shown.append({"kind": "fold", "title": part.title, "parts": _parts(part.parts, part.title)})
            case Table():
                shown.append({"kind": "table", **_table(part)})
            case TrialBrowser():
                shown.append({"kind": "trials", **_table(part.table), "details": data_script(part.details)})
            case Heading() | Code() | Note():
                shown.append({"kind": type(part).__name__.lower(), "text": part.text})
            case Headline():
                shown.append({"kind": "headline", **vars(part)})
            case str():
                shown.append({"kind": "text", "text": part})
    return shown


def _chart(chart: Chart, title: str) -> dict[str, Any]:
    return {"caption": chart.caption, "figure": figure_div(chart.figure, chart.caption or title)}


def _table(table: Table) -> dict[str, Any]:
    """Return the first rows as ``rows`` and all others as JSON, because a page with a thousand rows opens slowly."""
    more = table.rows[MOST_ROWS:]
    return {
        "table": table,
        "rows": table.rows[:MOST_ROWS],
        "count": len(table.rows),
        "more": data_script(more) if more else "",
    }
