"""What each technique of the winner brings."""

from __future__ import annotations

from search.ablate.figure import gains_figure
from search.ablate.words import (
    ablation_frame,
    notes,
    overall_table,
    plan_table,
    sentences,
    task_gains_table,
    task_means_table,
)
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, Part, Section

__all__ = ["ablation_section"]


def ablation_section(context: ReportContext) -> Section | None:
    """Of the study ``NAME-ablation``, or of the study itself if it is one."""
    outcome = context.ablation
    if outcome is None:
        return None
    parts: tuple[Part, ...] = (
        *sentences(outcome),
        overall_table(outcome),
        Chart(gains_figure(outcome), "what each technique brings", is_wide=True),
        *map(Note, notes(outcome)),
        Fold("What was changed", (plan_table(outcome.plan),)),
        Fold(
            "Task by task",
            (
                task_gains_table(outcome),
                *(Chart(gains_figure(outcome, task), task) for task in outcome.tasks),
                task_means_table(outcome),
            ),
        ),
    )
    return Section("ablation", "What the winner's techniques bring", parts, {"ablation.csv": ablation_frame(outcome)})
