"""The topic of labels: how many examples each class has, or how scores are distributed, split by split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import plotly.graph_objects as go

from core.config import RunConfig
from data.errors import UserError
from data.gold import Labels
from data.tasks import SplitName
from search.audit.examples import AuditedTask
from search.audit.figures import split_colour
from search.audit.findings import Topic
from search.display.figure_style import lay_out
from search.display.table import Table
from search.preflight.labels import check_labels
from search.report.parts import Chart, Heading, Part, ReportSection

__all__ = ["labels_topic"]

_BINS = 20  # of a histogram of scores


def labels_topic(tasks: Mapping[str, AuditedTask], base: RunConfig) -> Topic:
    """Show the labels of every split that has them, and what :mod:`search.preflight.labels` says of them."""
    parts: list[Part] = []
    warnings: list[str] = []
    for name, task in tasks.items():
        labelled = {split: raw.labels for split, raw in task.splits.items() if raw.labels is not None}
        found = [*_doubts(name, task, base), *_missing_classes(name, task, labelled)]
        table, chart = (_score_parts if task.spec.kind.is_score else _class_parts)(task, labelled)
        parts += [Heading(name), *found, table, chart]
        warnings += found
    return Topic(ReportSection("labels", "Labels", tuple(parts)), warnings=tuple(warnings))


def _doubts(name: str, task: AuditedTask, base: RunConfig) -> list[str]:
    try:
        return check_labels(name, base.tasks[name], task.splits, base.eval.early_share)
    except UserError as error:  # search.run would refuse this dev file, and the audit has more to say
        return [str(error)]


def _missing_classes(name: str, task: AuditedTask, labelled: Mapping[SplitName, Labels]) -> Iterator[str]:
    """Name classes without an example in train or dev; those of dev alone are named by the checks before a study."""
    if task.spec.kind.is_score:
        return
    counts = {split: _counts(task, labels) for split, labels in labelled.items()}
    for index, label in enumerate(task.spec.classes):
        train, dev = int(counts["train"][index]), int(counts["dev"][index])
        if not dev and train:
            yield f"{name}: dev has no example of '{label}', and train has {train:,}"
        if not dev and not train:
            yield f"{name}: neither train nor dev has an example of '{label}'"


def _counts(task: AuditedTask, labels: Labels) -> np.ndarray:
    return np.bincount(labels.astype(np.int64), minlength=len(task.spec.classes))


def _class_parts(task: AuditedTask, labelled: Mapping[SplitName, Labels]) -> tuple[Table, Chart]:
    counts = {split: _counts(task, labels) for split, labels in labelled.items()}
    rows = tuple(
        (label, *(_cell(int(of_split[index]), int(of_split.sum())) for of_split in counts.values()))
        for index, label in enumerate(task.spec.classes)
    )
    figure = go.Figure()
    for split, of_split in counts.items():
        shares = (100 * of_split / max(int(of_split.sum()), 1)).tolist()
        figure.add_bar(
            x=list(range(len(shares))),
            y=shares,
            name=split,
            marker={"color": split_colour(split)},
            hovertemplate="%{y:.1f} %<extra></extra>",
        )
    lay_out(figure, "class", "share of the split, %")
    ticks = {"tickmode": "array", "tickvals": list(range(len(task.spec.classes)))}
    figure.update_layout(barmode="group", height=300)
    figure.update_xaxes(ticktext=[_cut(label) for label in task.spec.classes], **ticks)
    table = Table("Examples by class", ("class", *counts), rows)
    return table, Chart(figure, f"{task.spec.name}: share of each class")


def _cell(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / max(total, 1):.1f} %)"


def _cut(label: str) -> str:
    """Return the beginning of a class's name, with nothing that plotly would read as a tag."""
    text = label if len(label) <= 20 else f"{label[:19]}…"
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _score_parts(task: AuditedTask, labelled: Mapping[SplitName, Labels]) -> tuple[Table, Chart]:
    assert task.spec.score_range is not None, "score tasks have a range"
    low, high = task.spec.score_range
    edges = np.linspace(low, high, _BINS + 1)
    rows, figure = [], go.Figure()
    for split, labels in labelled.items():
        scores = labels.astype(np.float64)
        quartiles = np.quantile(scores, [0.0, 0.25, 0.5, 0.75, 1.0])
        rows.append((split, f"{len(scores):,}", *(f"{one:.3g}" for one in (scores.mean(), scores.std(), *quartiles))))
        counts, _ = np.histogram(scores, bins=edges)
        figure.add_scatter(
            x=((edges[:-1] + edges[1:]) / 2).tolist(),
            y=(100 * counts / len(scores)).tolist(),
            name=split,
            mode="lines",
            line={"color": split_colour(split), "shape": "hvh"},
            hovertemplate="%{y:.1f} %<extra></extra>",
        )
    lay_out(figure, "score", "share of the split, %")
    figure.update_layout(height=300)
    headings = ("split", "examples", "mean", "std. deviation", "lowest", "25 %", "median", "75 %", "highest")
    return Table("Scores", headings, tuple(rows)), Chart(figure, f"{task.spec.name}: distribution of scores")
