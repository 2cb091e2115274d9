"""The section on the search's progress."""

from __future__ import annotations

import pandas as pd

from search.recorded.trial_columns import SCORE
from search.report.context import ReportContext
from search.report.expected_progress import expected_progress
from search.report.parts import Chart, Fold, Note, ReportSection
from search.report.trial_figures import curves_figure, progress_figure
from search.trials.record import REPEAT_OF

__all__ = ["progress_section"]


def progress_section(context: ReportContext) -> ReportSection:
    """Make the section: the best score over cost; folded, the learning curves of all trials."""
    table = context.table
    curves = {
        number: curve for number, curve in context.curves.items() if curve and context.records[number].repeat_of is None
    }
    tasks = [name.removeprefix(SCORE) for name in table.columns if name.startswith(SCORE)]
    best = None if context.best is None else context.best.number
    default = None if context.default is None else context.default.number
    trained = table[table[REPEAT_OF].isna()]
    of_tasks = (Chart(curves_figure(curves, context.states, task, best), task) for task in tasks)
    note = (
        "The best score so far is measured on dev and therefore optimistic, increasingly so with more trials; the "
        "score expected on new data is lower. Pruned trials are shown at their best rung. Click a point to open its "
        "trial."
    )
    expected = expected_progress(context.study, context.folders, context.data)
    parts = (
        Note(note),
        Chart(progress_figure(trained, "examples", default, expected), "Over training examples"),
        Chart(progress_figure(trained, "hours", default, expected), "Over hours"),
        Fold("Learning curves", (Chart(curves_figure(curves, context.states, None, best), "overall"), *of_tasks)),
    )
    return ReportSection("progress", "Progress over cost", parts, {"curves.csv": _frame(context)})


def _frame(context: ReportContext) -> pd.DataFrame:
    """Return a row for each rung of each trial."""
    return pd.DataFrame(
        [
            {
                "trial": number,
                "rung": point.rung,
                "examples": point.examples,
                "seconds": point.seconds,
                "overall": point.overall,
                **{SCORE + task: score for task, score in point.scores.items()},
                **{f"train_loss {task}": loss for task, loss in point.train_loss.items()},
            }
            for number, curve in context.curves.items()
            for point in curve
        ]
    )
