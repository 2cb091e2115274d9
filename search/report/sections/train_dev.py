"""The section on training and dev scores over passes through the training sets."""

from __future__ import annotations

from collections.abc import Iterator

from core.config import RunConfig
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.train_dev_curves import fall_of_dev, gap_sentences, train_dev_curve
from search.report.context import ReportContext
from search.report.parts import Chart, Note, Part, ReportSection
from search.report.trial_figures import train_dev_figure

__all__ = ["train_dev_section"]


def train_dev_section(context: ReportContext) -> ReportSection | None:
    """Make the section for the run whose errors are shown; None if no trial has finished, or its folder is gone."""
    panel = context.compared_runs
    if panel is None or not context.compared_curve:
        return None
    config = panel.runs[0].config
    found = list(_tasks(context, config))
    if not config.eval.train_examples:
        parts: tuple[Part, ...] = (
            "Training examples were not scored (eval.train_examples = 0), so the gap to dev is not known.",
        )
    elif not found:
        parts = ("The scores on training examples were not recorded.",)
    else:
        words, charts = zip(*found, strict=True)
        parts = (Note(_note(context, panel.subject, config)), *words, *charts)
    return ReportSection("train-dev", "Train and dev over passes", parts)


def _tasks(context: ReportContext, config: RunConfig) -> Iterator[tuple[str, Chart]]:
    """Yield a paragraph and a figure for each task whose training examples were scored."""
    panel, passes = context.compared_runs, context.passes[0]
    assert panel is not None, "there is a curve"
    run = panel.runs[0]
    for task, section in config.tasks.items():
        curve = train_dev_curve(context.compared_curve, section.spec, passes)
        if curve is None:
            continue
        runs, fall = context.task_runs[task], None
        if curve.overfits and isinstance(runs, TaskRuns):
            fall = fall_of_dev(curve, run.folders, run.record.number, section.spec, runs.gold)
        yield " ".join(gap_sentences(task, curve, fall)), Chart(train_dev_figure(curve, task), task)


def _note(context: ReportContext, subject: str, config: RunConfig) -> str:
    count = config.eval.train_examples
    text = (
        f"Scores of {subject} on dev and on up to {count} training examples of each task, which vary by chance too. "
        "The gap says how much worse dev is."
    )
    passes, why = context.passes
    if passes is None:
        return f"{text} They are shown over training examples of all tasks, because passes are not known: {why}."
    return (
        f"{text} A pass is as many training examples of the task as its training set has. Passes are counted by taking "
        "the turns of the batch order again."
    )
