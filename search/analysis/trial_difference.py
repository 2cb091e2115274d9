"""Compare two trials of one study or two: scores on the same dev examples, settings, and changed predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from core.config import RunConfig
from core.inputs.dev_gold import dev_examples
from core.statistics import overall_score
from data.errors import UserError
from data.metrics.classes import predicted_classes
from data.reading import RawSplit
from data.tasks import TaskSpec
from search.analysis.dev_bootstrap import stored_predictions, task_replicates
from search.space.paths import differing_paths, get_value
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = [
    "Change",
    "ChangedExample",
    "OneTrial",
    "ScoreDifference",
    "TaskChanges",
    "TrialDifference",
    "changed_settings",
    "task_changes",
    "trial_difference",
]

_NOT_COMPARED = ("compute.", "data.directory")  # where a run was computed, not what it is
_OVERALL = "overall"


@dataclass(frozen=True)
class ChangedExample:
    """A dev example and the predictions of runs A and B for it.

    Attributes:
        id: in the dev file.
        sentences: one or two.
        gold: the class's name, or the score.
        a: what A predicts, likewise.
        b: what B predicts.
        gain: how much nearer B is: in probability of the gold class, or in distance from the gold score.
    """

    id: str
    sentences: tuple[str, ...]
    gold: str
    a: str
    b: str
    gain: float


@dataclass(frozen=True)
class TaskChanges:
    """The changes in a task.

    Attributes:
        examples: those with another predicted class or score, the largest gain or loss first.
        total: dev examples.
        won: how many A has wrong and B has right; of scores, how many B is nearer to.
        lost: the other way round.
        p_value: of McNemar's exact test, that won and lost are equally likely; of scores, None.
    """

    examples: tuple[ChangedExample, ...]
    total: int
    won: int
    lost: int
    p_value: float | None


def task_changes(spec: TaskSpec, dev: RawSplit, a: np.ndarray, b: np.ndarray) -> TaskChanges:
    """Find the examples whose predictions change from A to B.

    Args:
        dev: its N dev examples, with labels.
        a: predictions of A: class probabilities (N, K) or scores (N,).
    """
    assert dev.labels is not None, "dev files without labels are refused when read"
    gold, rows = dev.labels, np.arange(len(dev))
    if spec.kind.is_score:
        gain, changed = np.abs(a - gold) - np.abs(b - gold), a != b
        won, lost = int((gain > 0).sum()), int((gain < 0).sum())
        gold_names, a_names, b_names = ([f"{value:.2f}" for value in values.tolist()] for values in (gold, a, b))
        p_value = None
    else:
        classes_a, classes_b = predicted_classes(a), predicted_classes(b)
        gain, changed = b[rows, gold] - a[rows, gold], classes_a != classes_b
        won = int(((classes_b == gold) & (classes_a != gold)).sum())
        lost = int(((classes_a == gold) & (classes_b != gold)).sum())
        gold_names, a_names, b_names = (
            [spec.classes[index] for index in indices.tolist()] for indices in (gold, classes_a, classes_b)
        )
        p_value = float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0  # two-sided (McNemar 1947)
    order = np.flatnonzero(changed)
    order = order[np.argsort(-np.abs(gain[order]), kind="stable")]
    examples = tuple(
        ChangedExample(dev.ids[row], dev.sentences[row], gold_names[row], a_names[row], b_names[row], float(gain[row]))
        for row in order.tolist()
    )
    return TaskChanges(examples, len(dev), won, lost, p_value)


@dataclass(frozen=True)
class OneTrial:
    """A trial with a score.

    Attributes:
        label: its name in messages and headings: ``STUDY:NUMBER``, ``trial 7``.
        record: what is stored of it.
        folders: of its study.
    """

    label: str
    record: FinishedTrial
    folders: TrialFolders

    @property
    def config(self) -> RunConfig:
        """Its run."""
        return self.record.config


@dataclass(frozen=True)
class ScoreDifference:
    """A score of both trials.

    Attributes:
        name: of the task; ``overall`` for the overall score.
        metric: of the task; empty for the overall score.
        low: end of the 95 % interval of b - a.
        high: its other end.
    """

    name: str
    metric: str
    a: float
    b: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """A setting in which the trials differ, by its dotted path; values are JSON data."""

    path: str
    a: Any
    b: Any


@dataclass(frozen=True)
class TrialDifference:
    """From A to B: scores, settings, and for each task the examples with different predictions."""

    a: str
    b: str
    scores: tuple[ScoreDifference, ...]
    settings: tuple[Change, ...]
    changes: Mapping[str, TaskChanges]


def trial_difference(a: OneTrial, b: OneTrial, data: Path | None = None) -> TrialDifference:
    """Compare both at their best rungs.

    The intervals are percentiles of b - a over 1,000 resamples of the dev examples, the same ones for both trials: what
    other examples would do. What another seed would do is not in them.

    Args:
        a: the trial to start from.

    Raises:
        UserError: if they have other tasks or dev examples, or their predictions or dev files are gone.
    """
    _check_tasks(a, b)
    replicates, changes = {}, {}
    for name, task in a.config.tasks.items():
        dev, other = (dev_examples(trial.config, name, data) for trial in (a, b))
        if (dev.ids, dev.sentences) != (other.ids, other.sentences) or not np.array_equal(dev.labels, other.labels):  # type: ignore[arg-type]
            raise UserError(f"{a.label} and {b.label} were scored on other dev examples of {name}: nothing is paired")
        if not np.array_equal(dev.folds, other.folds):  # type: ignore[arg-type]
            raise UserError(f"{a.label} and {b.label} were scored in other folds of {name}: nothing is paired")
        assert dev.labels is not None, "dev files without labels are refused when read"
        predictions = [stored_predictions(trial.folders, trial.record, task.spec, dev) for trial in (a, b)]
        replicates[name] = task_replicates(task.spec, predictions, dev.labels, dev.folds)
        changes[name] = task_changes(task.spec, dev, *predictions)
    return TrialDifference(a.label, b.label, _scores(a, b, replicates), changed_settings(a.config, b.config), changes)


def _check_tasks(a: OneTrial, b: OneTrial) -> None:
    ours, theirs = a.config.tasks, b.config.tasks
    if set(ours) != set(theirs):
        raise UserError(f"{a.label} has the tasks {', '.join(ours)}, and {b.label} has {', '.join(theirs)}")
    for name, task in ours.items():
        other = theirs[name]
        for what in ("kind", "metric", "classes", "score_range"):
            if getattr(task.spec, what) != getattr(other.spec, what):
                raise UserError(f"{a.label} and {b.label} have tasks '{name}' of another {what.replace('_', ' ')}")
        if task.score_weight != other.score_weight:
            raise UserError(f"{a.label} and {b.label} give '{name}' other weights in overall (score_weight)")


def _scores(a: OneTrial, b: OneTrial, replicates: dict[str, np.ndarray]) -> tuple[ScoreDifference, ...]:
    specs = {name: task.spec for name, task in a.config.tasks.items()}
    weights = {name: task.score_weight for name, task in a.config.tasks.items()}
    own = {trial.label: {**trial.record.result.scores, _OVERALL: trial.record.overall} for trial in (a, b)}
    found = []
    for name, drawn in (replicates | {_OVERALL: overall_score(replicates, specs, weights)}).items():
        low, high = np.quantile(drawn[:, 1] - drawn[:, 0], [0.025, 0.975]).tolist()
        first, second = own[a.label][name], own[b.label][name]
        found.append(ScoreDifference(name, specs[name].metric.name if name in specs else "", first, second, low, high))
    return tuple(found)


def changed_settings(a: RunConfig, b: RunConfig) -> tuple[Change, ...]:
    """Return all settings in which two runs over the same tasks differ, except for where they were computed."""
    paths = [path for path in differing_paths([a, b]) if not path.startswith(_NOT_COMPARED)]
    return tuple(Change(path, *(json.loads(json.dumps(get_value(one, path))) for one in (a, b))) for path in paths)
