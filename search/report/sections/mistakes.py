"""The section on what the best trial gets wrong on dev."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from core.statistics import calibration_of, confusion_matrix
from data.errors import UserError
from data.metrics.classes import predicted_classes
from data.tasks import TaskSpec
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.mistakes.confusion import calibration_text, confusion_sentence, confusion_table
from search.analysis.mistakes.figures import quarters_figure, reliability_figure, residual_figure, score_figure
from search.analysis.mistakes.hardest import Hardness, error_frame, hardest_table, hardness, label_doubt_sentence
from search.analysis.mistakes.quantile_slices import properties, quarters, quarters_sentence
from search.analysis.mistakes.score_fit import fit_line, gold_ranges, ranges_sentence
from search.analysis.trial_difference import OneTrial
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Heading, Note, Part, ReportSection

__all__ = ["mistakes_section"]


def mistakes_section(context: ReportContext) -> ReportSection | None:
    """Make the section from dev predictions at the best rung, task by task; None if no trial has finished."""
    panel = context.compared_runs
    if panel is None:
        return None
    config = panel.runs[0].record.config
    parts: list[Part] = [
        Note(f"Dev predictions of {panel.subject} at its best rung, on the examples that it was scored on.")
    ]
    frames: dict[str, pd.DataFrame] = {}
    for task, section in config.tasks.items():
        parts.append(Heading(task))
        runs = context.task_runs[task]
        if isinstance(runs, UserError):
            parts += [*_recorded_confusion(panel.runs[0], section.spec), Note(f"No further analysis: {runs}.")]
            continue
        found = hardness(runs)
        parts += _score_parts(runs) if section.spec.kind.is_score else _class_parts(runs)
        parts += _hardest_parts(runs, found, panel.name)
        frames[f"errors-{task}.csv"] = error_frame(runs, found)
    return ReportSection("errors", "Errors", tuple(parts), frames)


def _recorded_confusion(run: OneTrial, spec: TaskSpec) -> list[Part]:
    """Return the recorded confusion matrix, which needs no predictions."""
    curve = run.folders.curve(run.record.number)
    counts = next((point.confusion for point in curve if point.rung == run.record.result.best_rung), {})
    if spec.name not in counts:
        return []
    return [confusion_table(counts[spec.name], spec.classes), confusion_sentence(counts[spec.name], spec.classes)]


def _class_parts(runs: TaskRuns) -> list[Part]:
    probabilities, classes = runs.predictions[0], runs.spec.classes
    counts = confusion_matrix(probabilities, runs.gold).tolist()
    rng = np.random.default_rng(zlib.crc32(runs.spec.name.encode()))
    found = calibration_of(probabilities, runs.gold, rng)
    wrong = (predicted_classes(probabilities) != runs.gold).astype(np.float64)
    words, charts = _property_parts(runs, wrong, "error rate")
    return [
        confusion_table(counts, classes),
        confusion_sentence(counts, classes),
        calibration_text(found),
        *words,
        Chart(reliability_figure(found), "Calibration: share of correct predictions over predicted probability"),
        *charts,
    ]


def _score_parts(runs: TaskRuns) -> list[Part]:
    assert runs.spec.score_range is not None, "score tasks have a range"
    fit = fit_line(runs.predictions[0], runs.gold)
    ranges = gold_ranges(fit, runs.gold, runs.spec.score_range)
    line = (
        f"Best-fitting line: predicted = {fit.intercept:.2f} + {fit.slope:.2f} · gold. The root-mean-square distance "
        f"of predictions from it is {fit.spread:.2f}. Pearson depends on this distance, but not on the line's slope."
    )
    words, charts = _property_parts(runs, np.abs(fit.residuals), "distance from the line")
    return [
        line,
        ranges_sentence(ranges),
        *words,
        Chart(score_figure(runs, fit), "Predicted score over gold score"),
        Chart(residual_figure(ranges), "Mean distance from the line over gold score"),
        *charts,
    ]


def _property_parts(runs: TaskRuns, errors: np.ndarray, y: str) -> tuple[list[Part], list[Part]]:
    """Make sentences and charts of errors by length and, for pairs, by the share of words in common."""
    words: list[Part] = []
    charts: list[Part] = []
    for by in properties(runs.dev.sentences):
        parts = quarters(by.values, errors)
        if len(parts) > 1:
            words.append(quarters_sentence(parts, by, is_rate=not runs.spec.kind.is_score))
            charts.append(Chart(quarters_figure(parts, f"{by.name}, {by.unit}", y), f"Errors by {by.name}"))
    return words, charts


def _hardest_parts(runs: TaskRuns, found: Hardness, name: str) -> list[Part]:
    doubt = label_doubt_sentence(found, name, is_score=runs.spec.kind.is_score)
    gone = f"Not included, because their predictions are missing: {', '.join(runs.gone)}." if runs.gone else ""
    if not found.wrong.any():
        return list(filter(None, [gone]))
    note = Note(f"errors-{runs.spec.name}.csv lists all examples with their full sentences, hardest first.")
    fold = Fold(f"Hardest dev examples of {runs.spec.name}", (hardest_table(runs, found, name), note))
    return [*filter(None, [doubt]), *([Note(gone)] if gone else []), fold]
