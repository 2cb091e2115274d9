"""The answer, first and in words."""

from __future__ import annotations

from search.expected_words import estimate_table, report_lines
from search.report.context import ReportContext
from search.report.parts import Section
from search.report.words import answer

__all__ = ["answer_section"]


def answer_section(context: ReportContext) -> Section:
    """The winner, what it will score, what it gained, and what all of it cost."""
    estimate, unknown = context.expected
    table = [] if estimate is None else [estimate_table(estimate)]
    return Section("answer", "", (*answer(context.table, report_lines(estimate, unknown)), *table))
