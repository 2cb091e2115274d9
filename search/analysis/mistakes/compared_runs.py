"""Whose errors a report looks at: a run, and others that it is set beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna

from core.inputs.dev_gold import dev_examples
from data.errors import UserError
from data.gold import Labels
from data.reading import RawSplit
from data.tasks import TaskSpec
from search.analysis.dev_bootstrap import stored_predictions
from search.recorded.ranking import rank, ranked_trials
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["ComparedRun", "ComparedRuns", "TaskRuns", "best_runs", "best_trials", "task_runs"]

_BEST = 5


@dataclass(frozen=True)
class ComparedRun:
    """A trained run with a score.

    Attributes:
        label: short, for a table's heading: ``trial 7``.
        record: what is stored of it.
        folders: of its study.
    """

    label: str
    record: FinishedTrial
    folders: TrialFolders


@dataclass(frozen=True)
class ComparedRuns:
    """Runs that were scored on the same dev examples.

    Attributes:
        runs: at least one; the first is the one that is looked at.
        subject: that one in words.
        name: all of them in words: ``the 5 best trials``.
    """

    runs: tuple[ComparedRun, ...]
    subject: str
    name: str


@dataclass(frozen=True)
class TaskRuns:
    """A task's N dev examples, and what R runs predict for them.

    Attributes:
        spec: the task.
        dev: the examples that the runs were scored on.
        gold: class indices or scores, (N,).
        labels: of the runs, the one that is looked at first.
        predictions: of each, class probabilities (N, K) or scores (N,).
        gone: labels of the runs whose predictions are no longer there.
    """

    spec: TaskSpec
    dev: RawSplit
    gold: Labels
    labels: tuple[str, ...]
    predictions: tuple[np.ndarray, ...]
    gone: tuple[str, ...] = ()


def best_trials(study: optuna.Study, folders: TrialFolders) -> ComparedRuns | None:
    """The study's best trial, with up to four that follow it; None where none has finished."""
    records = [FinishedTrial.read(trial) for trial in ranked_trials(study)[:_BEST]]
    if not records:
        return None
    runs = tuple(ComparedRun(f"trial {record.number}", record, folders) for record in records)
    return ComparedRuns(runs, runs[0].label, f"the {len(runs)} best trials" if len(runs) > 1 else "the best trial")


def best_runs(study: optuna.Study, folders: TrialFolders, runs: Mapping[str, Sequence[int]]) -> ComparedRuns:
    """Each of several configurations that were trained over seeds by the best of its runs, as an export has it.

    Args:
        study: that trained them.
        folders: of it.
        runs: numbers of the finished trials of each configuration, by its name, the one that is looked at first.
    """
    trials = study.get_trials(deepcopy=False)
    best = {name: min((trials[number] for number in numbers), key=rank) for name, numbers in runs.items()}
    found = tuple(ComparedRun(name, FinishedTrial.read(trial), folders) for name, trial in best.items())
    subject = f"{found[0].label}, by its best run (trial {found[0].record.number} of {study.study_name})"
    return ComparedRuns(found, subject, f"the {len(found)} finalists")


def task_runs(panel: ComparedRuns, task: str, directory: Path | None = None) -> TaskRuns:
    """Read the dev examples of a task, and the runs' predictions at their best rungs.

    Args:
        panel: the runs.
        task: its name.
        directory: where the tasks' files are now; None: where the first run had them.

    Raises:
        UserError: if the dev file is gone, or the first run's predictions are, or they are not of this dev file.
    """
    first = panel.runs[0]
    config = first.record.config
    spec = config.tasks[task].spec
    try:
        dev = dev_examples(config, task, directory)
    except UserError as error:
        raise UserError(f"{error} (--data says where the files are now)") from error
    gold = dev.labels
    assert gold is not None, "dev files without labels are refused when read"
    found = {first.label: stored_predictions(first.folders, first.record, spec, gold)}
    gone = []
    for run in panel.runs[1:]:
        try:
            found[run.label] = stored_predictions(run.folders, run.record, spec, gold)
        except UserError:
            gone.append(run.label)
    return TaskRuns(spec, dev, gold, tuple(found), tuple(found.values()), tuple(gone))
