"""The topic of labels that are likely wrong: the best trials contradict them, and were not trained on these rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna

from core.config import RunConfig
from data.errors import UserError
from data.gold import Labels
from data.metrics.classes import predicted_classes
from search.analysis.mistakes.compared_runs import TaskRuns, best_trials, task_runs
from search.analysis.mistakes.score_fit import FAR, fit_line
from search.audit.findings import Finding, Reason, Topic, findings_fold
from search.display.table import Table
from search.report.parts import Note, Part, ReportSection
from search.trials.folders import TrialFolders

__all__ = ["Suspects", "label_errors_topic", "suspect_classes", "suspect_scores"]

_ADVICE = "pip install -c constraints.txt -e '.[audit]'"
_TITLE = "Labels that may be wrong"


@dataclass(frozen=True)
class Suspects:
    """Examples whose labels may be wrong, the most suspicious first.

    Attributes:
        positions: of the examples, (n,).
        margins: for classes, the probability of the label less that of the most probable other class, -1 to 1; for
            scores, the distance from the line in root mean squares, (n,).
    """

    positions: np.ndarray
    margins: np.ndarray


def label_errors_topic(study: optuna.Study | None, folders: TrialFolders | None, data: Path | None) -> Topic:
    """Rank dev examples by how much the averaged predictions of up to five of the best trials contradict the labels.

    In folds, these are all rows of the training file, each predicted by the models that were not trained on it.

    Args:
        study: the recorded study; None if it has not run.
        folders: where its trials left their predictions.
        data: the folder with the tasks' files, if it has moved.
    """
    panel = None if study is None or folders is None else best_trials(study, folders)
    if panel is None:
        return _only("No trial has finished: run the study, then audit again to see which labels of dev may be wrong.")
    config = panel.runs[0].record.config
    findings: list[Finding] = []
    warnings: list[str] = []
    rows = []
    for name in config.tasks:
        try:
            runs = task_runs(panel, name, data)
            suspects = (suspect_scores if runs.spec.kind.is_score else suspect_classes)(_mean(runs), runs.gold)
        except UserError as error:
            warnings.append(f"{name}: labels of dev are not checked: {error}")
            continue
        found = list(_findings(runs, suspects))
        share = f"{100 * len(found) / len(runs.gold):.1f} %"
        rows.append((name, f"{len(runs.gold):,}", str(len(runs.labels)), f"{len(found):,}", share))
        findings += found
    headings = ("task", "dev examples", "trials", "likely wrong", "share")
    table = Table(f"Labels of dev that {panel.name} contradict", headings, tuple(rows))
    parts: list[Part] = [*warnings, _note(config), *([table] if rows else [])]
    fold = findings_fold("Likely wrong labels, the most likely first", findings)
    return Topic(ReportSection("label-errors", _TITLE, (*parts, *fold)), tuple(findings), tuple(warnings))


def _only(text: str) -> Topic:
    return Topic(ReportSection("label-errors", _TITLE, (text,)))


def _note(config: RunConfig) -> Note:
    kinds = {section.spec.kind.is_score for section in config.tasks.values()}
    classes = (
        "Classes: confident learning (Northcutt et al. 2021, arXiv:1911.00068) on the mean probabilities, ranked by "
        "normalised margin: the probability of the label less that of the most probable other class. "
    )
    scores = (
        f"Scores: mean predictions farther from their line than {FAR:g} root mean squares, ranked by this distance; "
        "one in twenty is so far by chance. "
    )
    caution = "The models may be wrong instead: look at the rows before you change a label."
    return Note((classes if False in kinds else "") + (scores if True in kinds else "") + caution)


def _mean(runs: TaskRuns) -> np.ndarray:
    return np.asarray(np.mean([one.astype(np.float64) for one in runs.predictions], axis=0))


def suspect_classes(probabilities: np.ndarray, labels: Labels) -> Suspects:
    """Find labels that are likely wrong by confident learning.

    Args:
        probabilities: of each class, from models that were not trained on these examples, (N, K).
        labels: class indices, (N,).

    Raises:
        UserError: if cleanlab is not installed, a probability is not a number, or the predictions are not better than
            always the most frequent class: they say nothing about labels then.
    """
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise UserError(f"this needs cleanlab: {_ADVICE}") from None
    if not np.isfinite(probabilities).all():
        raise UserError("the predictions are not all numbers")
    most_frequent = np.bincount(labels.astype(np.int64)).max()
    if (predicted_classes(probabilities) == labels).sum() <= most_frequent:
        raise UserError("the predictions are right no more often than the most frequent class is")
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    positions = find_label_issues(
        labels,
        shares,
        return_indices_ranked_by="normalized_margin",
        n_jobs=1,  # dev is too small for processes
    )
    quality = get_label_quality_scores(labels, shares, method="normalized_margin")
    return Suspects(np.asarray(positions, dtype=np.int64), 2.0 * quality[positions] - 1.0)  # cleanlab maps it to 0 to 1


def suspect_scores(predictions: np.ndarray, gold: Labels) -> Suspects:
    """Find scores that are far from the line through the predictions, in root mean squares.

    Args:
        predictions: scores from models that were not trained on these examples, (N,).
        gold: scores, (N,).

    Raises:
        UserError: if a prediction is not a number, or they do not rise with the gold scores.
    """
    if not np.isfinite(predictions).all():
        raise UserError("the predictions are not all numbers")
    fit = fit_line(predictions, gold)
    if fit.slope <= 0.0:
        raise UserError("the predictions do not rise with the gold scores")
    distances = np.abs(fit.standardised)
    order = np.argsort(-distances, kind="stable")
    positions = order[distances[order] > FAR]
    return Suspects(positions, distances[positions])


def _findings(runs: TaskRuns, suspects: Suspects) -> Iterator[Finding]:
    mean, dev = _mean(runs), runs.dev
    split = "dev" if runs.spec.folds is None else "train"
    for position, margin in zip(suspects.positions.tolist(), suspects.margins.tolist(), strict=True):
        own = mean[position]
        if runs.spec.kind.is_score:
            detail = (
                f"gold {runs.gold[position]:.2f}, predicted {own:.2f}; {margin:.1f} root mean squares from the line"
            )
        else:
            label, taken = int(runs.gold[position]), int(own.argmax())
            classes = runs.spec.classes
            detail = (
                f"labelled '{classes[label]}' ({own[label]:.2f}), predicted '{classes[taken]}' ({own[taken]:.2f}); "
                f"margin {margin:.2f}"
            )
        line, sentences = dev.lines[position], dev.sentences[position]
        yield Finding(
            runs.spec.name, split, dev.ids[position], line, Reason.LIKELY_WRONG, detail, sentences, str(dev.path)
        )
