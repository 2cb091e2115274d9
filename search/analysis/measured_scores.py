"""Score prediction files on test labels, next to the scores that were expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from core.config import TaskConfig
from core.statistics import Expectation, bootstrap_scores, overall_score, own_metric
from data.errors import UserError
from data.reading import texts_digest
from data.tables.table import Table
from data.tasks import TaskSpec
from search.trials.label_files import check_numbered, find_labels, label_file_names, read_labels, read_texts
from search.trials.prediction_files import (
    check_written,
    prediction_path,
    probabilities_path,
    read_predictions,
    read_probabilities,
)

__all__ = ["MeasuredScore", "MeasuredScores", "score_predictions", "verdict"]

_REPLICATES = 1000
_SEED = 0
_NAMED = 5  # ids


@dataclass(frozen=True)
class MeasuredScore:
    """A score on test.

    Attributes:
        score: the task's own metric, or overall.
        half_width: of its 95 % interval: how far other test examples may move it.
        examples: how many it is of.
    """

    score: float
    half_width: float
    examples: int


@dataclass(frozen=True)
class MeasuredScores:
    """Of the tasks that have labels.

    Attributes:
        tasks: each one's own metric.
        overall: None where a task has no labels.
        notes: what could not be matched; a line each.
    """

    tasks: dict[str, MeasuredScore]
    overall: MeasuredScore | None
    notes: tuple[str, ...]


def score_predictions(
    folder: Path, labels: Path, tasks: Mapping[str, TaskConfig], texts: Mapping[str, str] | None = None
) -> MeasuredScores:
    """Score ``TASK-test-output.csv`` of every task that has labels, or its probabilities if the metric needs them.

    Args:
        folder: holds the prediction files.
        labels: folder with the labels; see :mod:`search.trials.label_files`.
        tasks: the tasks that may have been predicted, by name.
        texts: digest of the ids and sentences that were predicted for, by task; see :func:`data.reading.texts_digest`.

    Raises:
        UserError: if no task has labels, a file cannot be read, or predictions and labels have no id in common.
    """
    scores: dict[str, MeasuredScore] = {}
    replicates: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for name, task in tasks.items():
        path = prediction_path(folder, name, "test")
        if not path.is_file():
            notes.append(f"{name}: no predictions: there is no {path}")
            continue
        found = find_labels(task.spec, labels)
        if found is None:
            notes.append(
                f"{name}: no labels in {labels}: there is no {' or '.join(label_file_names(task.spec))} with labels"
            )
            continue
        if task.spec.metric.reads_probabilities:
            path = probabilities_path(folder, name, "test")
            if not path.is_file():
                notes.append(f"{name}: {task.spec.metric} needs class probabilities, and there is no {path}")
                continue
            check_written(path)
            predicted_ids, predictions = read_probabilities(path, task.spec)
        else:
            check_written(path)
            predicted_ids, predictions = read_predictions(path, task.spec)
        check_numbered(task.spec, *found, predicted_ids)
        ids, gold = read_labels(task.spec, *found)
        position = {example: place for place, example in enumerate(predicted_ids)}
        kept = [place for place, example in enumerate(ids) if example in position]
        if not kept:
            raise UserError(f"{found[0]}: none of its ids ('{ids[0]}', ...) is in {path} ('{predicted_ids[0]}', ...)")
        notes += _unmatched(name, ids, predicted_ids, found[0], path)
        notes += _other_texts(task.spec, *found, predicted_ids, (texts or {}).get(name))
        chosen, gold = predictions[[position[ids[place]] for place in kept]], gold[kept]
        score = own_metric(task.spec, chosen, gold)
        replicates[name] = bootstrap_scores(task.spec, [chosen], gold, _REPLICATES, np.random.default_rng(_SEED))
        scores[name] = MeasuredScore(score, _half_width(replicates[name]), len(kept))
    if not scores:
        raise UserError(notes[0])
    return MeasuredScores(scores, _overall(scores, replicates, tasks), tuple(notes))


def verdict(measured: MeasuredScore, expected: Expectation) -> str:
    """Say in a few words whether a test score is what was expected."""
    if expected.low <= measured.score <= expected.high:
        return "inside the interval"
    side = "below" if measured.score < expected.low else "above"
    half = max(expected.expected - expected.low, expected.high - expected.expected)
    # The interval is that of the true score: what is measured on a test set is off by chance too.
    if abs(measured.score - expected.expected) <= float(np.hypot(half, measured.half_width)):
        return f"{side} the interval, by no more than chance in the test examples"
    return f"{side} the interval"


def _unmatched(task: str, labelled: list[str], predicted: list[str], labels: Path, predictions: Path) -> list[str]:
    has_prediction, has_label = set(predicted), set(labelled)
    without_prediction = [example for example in labelled if example not in has_prediction]
    without_label = [example for example in predicted if example not in has_label]
    notes = []
    if without_prediction:
        notes.append(f"{task}: {_listed(without_prediction)} of {labels} not in {predictions}: left out of the score")
    if without_label:
        notes.append(f"{task}: {_listed(without_label)} of {predictions} without a label in {labels}: left out")
    return notes


def _other_texts(spec: TaskSpec, labels: Path, table: Table, predicted: list[str], digest: str | None) -> list[str]:
    """Say so if the labels are of other texts than those that were predicted for, under the same ids."""
    found = None if digest is None else read_texts(spec, table)
    if found is None or {name for name, _ in found} != {*predicted} or texts_digest(found) == digest:
        return []
    return [
        f"{spec.name}: the texts of {labels} are not those that were predicted for, although their ids are the same; "
        "export again if the test file has changed"
    ]


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return f"{len(ids):,} id{'s' if len(ids) > 1 else ''} ({', '.join(ids[:_NAMED])}{more})"


def _overall(
    scores: Mapping[str, MeasuredScore], replicates: Mapping[str, np.ndarray], tasks: Mapping[str, TaskConfig]
) -> MeasuredScore | None:
    if len(scores) < len(tasks):
        return None
    specs = {name: task.spec for name, task in tasks.items()}
    weights = {name: task.score_weight for name, task in tasks.items()}
    score = overall_score({name: one.score for name, one in scores.items()}, specs, weights)
    together = overall_score(replicates, specs, weights)
    return MeasuredScore(score, _half_width(together), sum(one.examples for one in scores.values()))


def _half_width(replicates: np.ndarray) -> float:
    return float(stats.norm.ppf(0.975) * replicates.std(ddof=1))
