"""Make events of trials from what the driver and the storage know."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from core.run.evaluation import Evaluation
from search.driver import events
from search.driver.running_trial import RunningTrial
from search.recorded.ranking import best_trial
from search.space.space import Space
from search.trials.floors import is_feasible
from search.trials.folders import TrialFolders
from search.trials.record import EndState, TrialRecord, TrialResult

__all__ = ["STATES", "best_so_far", "duplicate_ended", "trial_ended", "trial_started"]

STATES: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def trial_started(running: RunningTrial, space: Space, worker: int) -> events.TrialStarted:
    """Return the event of a trial that was handed to a worker."""
    return events.TrialStarted(
        number=running.number,
        params=space.chosen(running.config),
        resumed=running.resumed,
        worker=worker,
        planned_examples=running.config.budget.examples,
    )


def trial_ended(running: RunningTrial, state: TrialState, value: float | None, reason: str) -> events.TrialEnded:
    """Return the event of the end of a trained trial; ``value`` is its value as Optuna has it."""
    last = running.evaluations[-1] if running.evaluations else None
    return events.TrialEnded(
        number=running.number,
        state=STATES[state],
        value=value,
        reason=reason,
        best=running.best,
        seconds=last.seconds if last else 0.0,
        folder=running.folder,
        examples=last.examples if last else 0,
        feasible=not running.no_winner_because,
    )


def duplicate_ended(
    running: RunningTrial, original: FrozenTrial, result: TrialResult, curve: Sequence[Evaluation]
) -> events.TrialEnded:
    """Return the event of the end of a trial that was not trained, because it duplicates ``original``."""
    return events.TrialEnded(
        number=running.number,
        state=STATES[original.state],
        value=original.value,
        reason=result.reason,
        best=_best(curve),
        seconds=result.seconds,
        folder=running.folder,
        feasible=is_feasible(original),
        repeat_of=original.number,
    )


def best_so_far(study: optuna.Study, folders: TrialFolders) -> events.TrialEnded | None:
    """Return the event of the end of the best trial of earlier runs of the study; None if there is none."""
    trial = best_trial(study)
    if trial is None:
        return None
    return events.TrialEnded(
        number=trial.number,
        state="complete",
        value=trial.value,
        reason="",
        best=_best(folders.curve(trial.number)),
        seconds=TrialRecord.read(trial).result.seconds,
        folder=folders.path(trial.number),
    )


def _best(curve: Sequence[Evaluation]) -> Evaluation | None:
    return max(curve, key=lambda evaluation: evaluation.overall, default=None)
