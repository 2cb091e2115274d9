"""The section on what each technique of the winner contributes."""

from __future__ import annotations

from search.ablate.ablation_sentences import ablation_notes, ablation_sentences
from search.ablate.ablation_tables import ablation_frame, overall_table, plan_table, task_gains_table, task_means_table
from search.ablate.figure import gains_figure
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, Part, ReportSection

__all__ = ["ablation_section"]


def ablation_section(context: ReportContext) -> ReportSection | None:
    """Make the section from the study ``NAME-ablation``, or from the study itself if it is an ablation."""
    outcome = context.ablation
    if outcome is None:
        return None
    parts: tuple[Part, ...] = (
        *ablation_sentences(outcome),
        overall_table(outcome),
        Chart(gains_figure(outcome), "Contribution of each technique", is_wide=True),
        *map(Note, ablation_notes(outcome)),
        Fold("Changed settings", (plan_table(outcome.plan),)),
        Fold(
            "Task by task",
            (
                task_gains_table(outcome),
                *(Chart(gains_figure(outcome, task), task) for task in outcome.tasks),
                task_means_table(outcome),
            ),
        ),
    )
    return ReportSection(
        "ablation", "What each of the winner's techniques contributes", parts, {"ablation.csv": ablation_frame(outcome)}
    )
