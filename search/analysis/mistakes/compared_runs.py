"""Collect the runs whose errors a report examines: one run, and others to compare it with."""

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
from search.analysis.trial_difference import OneTrial
from search.recorded.ranking import rank, ranked_trials
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["ComparedRuns", "TaskRuns", "best_runs", "best_trials", "task_runs"]

_BEST = 5


@dataclass(frozen=True)
class ComparedRuns:
    """Runs that were scored on the same dev examples.

    Attributes:
        runs: at least one; the first is the one that is examined.
        subject: text that names the first run.
        name: text that names all of them: ``the 5 best trials``.
    """

    runs: tuple[OneTrial, ...]
    subject: str
    name: str


@dataclass(frozen=True)
class TaskRuns:
    """A task's N dev examples and the predictions of R runs for them.

    Attributes:
        dev: the examples that the runs were scored on.
        gold: class indices or scores, (N,).
        labels: of the runs, the examined one first.
        predictions: of each run, class probabilities (N, K) or scores (N,).
        gone: labels of the runs whose predictions are missing.
    """

    spec: TaskSpec
    dev: RawSplit
    gold: Labels
    labels: tuple[str, ...]
    predictions: tuple[np.ndarray, ...]
    gone: tuple[str, ...] = ()


def best_trials(study: optuna.Study, folders: TrialFolders) -> ComparedRuns | None:
    """Return the study's best trial and up to four runners-up; None if no trial has finished."""
    records = [FinishedTrial.read(trial) for trial in ranked_trials(study)[:_BEST]]
    if not records:
        return None
    runs = tuple(OneTrial(f"trial {record.number}", record, folders) for record in records)
    return ComparedRuns(runs, runs[0].label, f"the {len(runs)} best trials" if len(runs) > 1 else "the best trial")


def best_runs(study: optuna.Study, folders: TrialFolders, runs: Mapping[str, Sequence[int]]) -> ComparedRuns:
    """Return the best run of each of several configurations that were trained over seeds, as they would be exported.

    Args:
        study: the study that trained them.
        runs: numbers of the finished trials of each configuration, by its name, the examined one first.
    """
    trials = study.get_trials(deepcopy=False)
    best = {name: min((trials[number] for number in numbers), key=rank) for name, numbers in runs.items()}
    found = tuple(OneTrial(name, FinishedTrial.read(trial), folders) for name, trial in best.items())
    subject = f"{found[0].label}, by its best run (trial {found[0].record.number} of {study.study_name})"
    return ComparedRuns(found, subject, f"the {len(found)} finalists")


def task_runs(panel: ComparedRuns, task: str, directory: Path | None = None, columns: Sequence[str] = ()) -> TaskRuns:
    """Read the dev examples of a task, and the runs' predictions at their best rungs.

    Args:
        panel: the runs.
        task: one of their tasks.
        directory: where the task's files are now; None for where the first run had them.
        columns: further columns of the dev file to keep.

    Raises:
        UserError: if the dev file or the first run's predictions are missing or do not belong together.
    """
    first = panel.runs[0]
    config = first.record.config
    spec = config.tasks[task].spec
    try:
        dev = dev_examples(config, task, directory, columns)
    except UserError as error:
        raise UserError(f"{error} (--data says where the files are now)") from error
    gold = dev.labels
    assert gold is not None, "dev files without labels are refused when read"
    found = {first.label: stored_predictions(first.folders, first.record, spec, dev)}
    gone = []
    for run in panel.runs[1:]:
        try:
            found[run.label] = stored_predictions(run.folders, run.record, spec, dev)
        except UserError:
            gone.append(run.label)
    return TaskRuns(spec, dev, gold, tuple(found), tuple(found.values()), tuple(gone))
