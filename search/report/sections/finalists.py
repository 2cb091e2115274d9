"""The section on the finalists over seeds."""

from __future__ import annotations

from search.analysis.seed_intervals import interval_scope
from search.finalists.figure import finalists_figure
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_sentences import outcome_notes
from search.finalists.final_tables import difference_tables, final_frame, final_table
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, Part, ReportSection

__all__ = ["finalists_section"]


def finalists_section(context: ReportContext) -> ReportSection | None:
    """Make the section on all configurations of the final; None without one."""
    outcome = context.outcome
    if outcome is None:
        return None
    parts: list[Part] = [
        Note(_introduction(outcome)),
        Chart(finalists_figure(outcome), is_wide=True),
        final_table(outcome),
        *map(Note, outcome_notes(outcome)),
    ]
    if differences := difference_tables(outcome):
        parts.append(Fold("Differences", tuple(differences)))
    return ReportSection("finalists", "Finalists", tuple(parts), {"finalists.csv": final_frame(outcome)})


def _introduction(outcome: FinalOutcome) -> str:
    count = len(outcome.seeds)
    seeds = f"{count} fresh seeds each" if count > 1 else "one fresh seed"
    text = f"The best configurations of the search, trained again with {seeds}."
    scope = interval_scope(outcome.seeds_known, outcome.examples_unknown)
    return (
        f"{text} Bars are 95 % intervals {scope}. To compare two finalists, see the tables of differences."
        if scope
        else text
    )
