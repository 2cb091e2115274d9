"""Load a recorded study and pick the trials to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from data.errors import UserError
from search.storage.open import describe_storage, open_recorded
from search.storage.study_names import check_recorded, not_recorded
from search.trials.floors import is_feasible
from search.trials.record import REPEAT_OF

__all__ = [
    "WinnerByMean",
    "best_trial",
    "contends",
    "load_recorded",
    "open_study",
    "pick_trial",
    "rank",
    "ranked_trials",
    "recorded_choice",
    "snapshot",
]

_CHOICE = "choice"


@dataclass(frozen=True)
class WinnerByMean:
    """The configuration that a study chose as its winner by the mean over several runs.

    Its trials rank before all others, whatever their scores: the best of them is the study's best trial.

    Attributes:
        winner: name of the configuration.
        runs: numbers of the finished trials of each configuration that could have been chosen, the winner included.
    """

    winner: str
    runs: Mapping[str, tuple[int, ...]]

    def record(self, study: optuna.Study) -> None:
        """Store the choice in the study."""
        study.set_user_attr(
            _CHOICE, {"winner": self.winner, "runs": {name: list(of) for name, of in self.runs.items()}}
        )

    @property
    def trials(self) -> tuple[int, ...]:
        """The numbers of the winner's trials."""
        return self.runs[self.winner]


def recorded_choice(study: optuna.Study) -> WinnerByMean | None:
    """Return what the study chose by means over runs; None if it did not choose in this way."""
    stored = study.user_attrs.get(_CHOICE)
    if stored is None:
        return None
    return WinnerByMean(stored["winner"], {name: tuple(of) for name, of in stored["runs"].items()})


def open_study(name: str, storage: str | None, runs_dir: Path) -> optuna.Study:
    """Open a storage and load the study of this name.

    Raises:
        UserError: if there is no such study; the message lists the existing ones.
    """
    check_recorded(name, storage, runs_dir)
    return load_recorded(name, open_recorded(storage, runs_dir), where=f" in {describe_storage(storage, runs_dir)}")


def load_recorded(name: str, storage: BaseStorage, option: str = "--study", where: str = "") -> optuna.Study:
    """Load the study of this name from an open storage.

    Args:
        name: as the user gave it.
        storage: where to look.
        option: to which the user gave the name.
        where: the storage in words, beginning with a blank.

    Raises:
        UserError: if there is no such study; the message lists the existing ones.
    """
    names = sorted(optuna.get_all_study_names(storage))
    if name not in names:
        raise not_recorded(name, names, option, where)
    return optuna.load_study(study_name=name, storage=storage)


def snapshot(study: optuna.Study) -> optuna.Study:
    """Return a copy in memory: name, directions, user attributes, and trials with their numbers.

    Code that reads a study several times while trials begin and end would otherwise see a different one each time.
    """
    storage = InMemoryStorage()
    copy = storage.create_new_study(study.directions, study.study_name)
    # Before the trials: attributes may name some of them, which have to be there.
    for name, value in study.user_attrs.items():
        storage.set_study_user_attr(copy, name, value)
    # Not with study.add_trials, which would check stored trials again and refuse some of older versions.
    for trial in study.get_trials(deepcopy=False):
        storage.create_new_trial(copy, template_trial=trial)
    return optuna.load_study(study_name=study.study_name, storage=storage)


def contends(trial: FrozenTrial) -> bool:
    """Return whether the trial can be the best one.

    Pruned trials cannot, because their score is that of an early rung; nor can trials below a floor of the study, or
    repeats, which have no model of their own.
    """
    return trial.state == TrialState.COMPLETE and is_feasible(trial) and REPEAT_OF not in trial.user_attrs


def rank(trial: FrozenTrial) -> tuple[float, int]:
    """Return a sort key for trials that contend: the highest overall score first, then the lowest number."""
    return -(trial.value or 0.0), trial.number


def best_trial(study: optuna.Study) -> FrozenTrial | None:
    """Return the first of the :func:`ranked_trials`; None if there is none."""
    return min(filter(contends, study.get_trials(deepcopy=False)), key=_order(study), default=None)


def ranked_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that contend, best first; those of a recorded :class:`WinnerByMean` come before all others."""
    return sorted(filter(contends, study.get_trials(deepcopy=False)), key=_order(study))


def _order(study: optuna.Study) -> Callable[[FrozenTrial], tuple[bool, float, int]]:
    choice = recorded_choice(study)
    first = frozenset(() if choice is None else choice.trials)
    return lambda trial: (trial.number not in first, *rank(trial))


def pick_trial(study: optuna.Study, number: int | None) -> FrozenTrial:
    """Return the trial of this number, or the best one.

    Raises:
        UserError: if there is no such trial, or none has finished.
    """
    if number is None:
        best = best_trial(study)
        if best is None:
            has_finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            what = "finished trial that meets its floors" if has_finished else "finished trial yet"
            raise UserError(f"study '{study.study_name}' has no {what}")
        return best
    trials = study.get_trials(deepcopy=False)
    if not 0 <= number < len(trials):
        raise UserError(f"no trial {number}: study '{study.study_name}' has trials 0 to {len(trials) - 1}")
    return trials[number]
