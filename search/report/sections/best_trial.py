"""The best trial's metrics."""

from __future__ import annotations

from search.report.best_trial_tables import loss_weight_sentence, task_tables
from search.report.context import ReportContext
from search.report.parts import Fold, Heading, Note, Part, ReportSection

__all__ = ["best_trial_section"]


def best_trial_section(context: ReportContext) -> ReportSection | None:
    """Make the section: metrics at the best rung for each task; None if no trial has finished or its folder is gone."""
    if context.best is None or context.best_evaluation is None:
        return None
    config, evaluation = context.best.config, context.best_evaluation
    specs = {name: task.spec for name, task in config.tasks.items()}
    note = (
        "Dev metrics at the best rung. Macro averages give every class the same weight. A growing gap between train "
        "and dev indicates overfitting."
    )
    parts: list[Part] = [Note(note), *filter(None, [loss_weight_sentence(evaluation, config.loss)])]
    for task in task_tables(evaluation, specs):
        parts += [Heading(task.task), *filter(None, [task.gap]), Fold(f"All metrics of {task.task}", task.tables)]
    return ReportSection("best-trial", "Metrics of the best trial", tuple(parts))
