"""A report's sections as values for its page's template."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from search.pages import figure_div
from search.report.parts import Chart, Fold, Heading, Note, Part, Section
from search.table import Table

__all__ = ["shown_section"]


def shown_section(section: Section) -> dict[str, Any]:
    """``anchor``, ``title`` and ``parts``."""
    return {"anchor": section.anchor, "title": section.title, "parts": _parts(section.parts)}


def _parts(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Each with its ``kind``; charts that follow each other are one part, a ``grid``."""
    shown: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Chart(is_wide=False):
                if not shown or shown[-1]["kind"] != "grid":
                    shown.append({"kind": "grid", "charts": []})
                shown[-1]["charts"].append(_chart(part))
            case Chart():
                shown.append({"kind": "chart", **_chart(part)})
            case Fold():
                shown.append({"kind": "fold", "title": part.title, "parts": _parts(part.parts)})
            case Table():
                shown.append({"kind": "table", "table": part})
            case Heading():
                shown.append({"kind": "heading", "text": part.text})
            case Note():
                shown.append({"kind": "note", "text": part.text})
            case str():
                shown.append({"kind": "text", "text": part})
    return shown


def _chart(chart: Chart) -> dict[str, Any]:
    return {"caption": chart.caption, "html": figure_div(chart.figure)}
