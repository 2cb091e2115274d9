"""The finalists over seeds."""

from __future__ import annotations

from search.finalists.figure import outcome_figure
from search.finalists.words import difference_tables, outcome_frame, outcome_notes, score_table
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, Part, Section

__all__ = ["finalists_section"]


def finalists_section(context: ReportContext) -> Section | None:
    """How the configurations of the final did, the winner among them, which the answer names; nothing without one."""
    outcome = context.outcome
    if outcome is None:
        return None
    note = (
        f"The best configurations of the search, trained again with {len(outcome.seeds)} fresh seeds each. Bars are "
        "95 % intervals of the means, for other dev examples and other seeds; of two finalists, the tables say more."
    )
    parts: list[Part] = [
        Note(note),
        Chart(outcome_figure(outcome), is_wide=True),
        score_table(outcome),
        *map(Note, outcome_notes(outcome)),
    ]
    if differences := difference_tables(outcome):
        parts.append(Fold("Differences", tuple(differences)))
    return Section("finalists", "Finalists", tuple(parts), {"finalists.csv": outcome_frame(outcome)})
