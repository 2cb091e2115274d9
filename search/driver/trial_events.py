"""Events of trials, made from what the driver and the storage know of them."""

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

__all__ = ["STATES", "best_so_far", "trial_ended", "trial_repeated", "trial_started"]

STATES: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def trial_started(running: RunningTrial, space: Space, worker: int) -> events.TrialStarted:
    """A trial was handed to a worker."""
    return events.TrialStarted(
        number=running.number,
        params=space.chosen(running.config),
        resumed=running.resumed,
        worker=worker,
        planned_examples=running.config.budget.examples,
    )


def trial_ended(running: RunningTrial, state: TrialState, value: float | None, reason: str) -> events.TrialEnded:
    """A trial that was trained is over; ``value`` as it was told."""
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


def trial_repeated(
    running: RunningTrial, original: FrozenTrial, result: TrialResult, curve: Sequence[Evaluation]
) -> events.TrialEnded:
    """A trial is over that was not trained, as it is the same as ``original``."""
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
    """The end of the best trial of earlier runs of the study, if there is one."""
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
