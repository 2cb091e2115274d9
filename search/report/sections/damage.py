"""The section on numbers that are not the same in the storage and in the trials' folders."""

from __future__ import annotations

from search.recorded.disagreements import find_disagreements
from search.report.context import ReportContext
from search.report.parts import ReportSection

__all__ = ["damage_section"]

_SHOWN = 10


def damage_section(context: ReportContext) -> ReportSection | None:
    """Make the section: what differs; None if nothing does."""
    found = find_disagreements(context.study, context.folders)
    if not found:
        return None
    lines = [f"{one.text[0].upper()}{one.text[1:]}." for one in found[:_SHOWN]]
    more = [f"And {len(found) - _SHOWN:,} more."] if len(found) > _SHOWN else []
    advice = (
        "The storage of studies or these files are damaged or were changed, and this report may be wrong: it goes by "
        "the storage, and by the files for curves. Restore them from a copy."
    )
    return ReportSection("damage", "Damaged records", (advice, *lines, *more))
