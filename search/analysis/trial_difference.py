"""Compare two trials of one study or two: scores on the same dev examples, settings, and changed predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.inputs.dev_gold import dev_examples
from core.statistics import overall_score
from data.errors import UserError
from search.analysis.changed_examples import TaskChanges, task_changes
from search.analysis.dev_bootstrap import stored_predictions, task_replicates
from search.space.paths import differing_paths, get_value
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["Change", "OneTrial", "ScoreDifference", "TrialDifference", "changed_settings", "trial_difference"]

_NOT_COMPARED = ("compute.", "data.directory")  # where a run was computed, not what it is
_OVERALL = "overall"


@dataclass(frozen=True)
class OneTrial:
    """A trial with a score.

    Attributes:
        label: ``STUDY:NUMBER``.
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
        a: of the first.
        b: of the second.
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
    """From A to B: scores, settings, and for each task the examples of which they say different things."""

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
        b: the other one.
        data: folder with the tasks' files, if it has moved.

    Raises:
        UserError: if they have other tasks or dev examples, or their predictions or dev files are gone.
    """
    _check_tasks(a, b)
    replicates, changes = {}, {}
    for name, task in a.config.tasks.items():
        dev, other = (dev_examples(trial.config, name, data) for trial in (a, b))
        if (dev.ids, dev.sentences) != (other.ids, other.sentences) or not np.array_equal(dev.labels, other.labels):  # type: ignore[arg-type]
            raise UserError(f"{a.label} and {b.label} were scored on other dev examples of {name}: nothing is paired")
        assert dev.labels is not None, "dev files without labels are refused when read"
        predictions = [stored_predictions(trial.folders, trial.record, task.spec, dev.labels) for trial in (a, b)]
        replicates[name] = task_replicates(task.spec, predictions, dev.labels)
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
