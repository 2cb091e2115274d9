"""A recorded study, and which of its trials to use."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from data.errors import UserError
from search.floors import is_feasible
from search.storage import describe_storage, open_storage
from search.trial_record import REPEAT_OF

__all__ = ["best_trial", "contends", "load_recorded", "open_study", "pick_trial", "rank", "ranked_trials"]


def open_study(name: str, storage: str | None, runs_dir: Path) -> optuna.Study:
    """The study of this name.

    Raises:
        UserError: if there is none; it lists those that there are.
    """
    return load_recorded(name, open_storage(storage, runs_dir), where=f" in {describe_storage(storage, runs_dir)}")


def load_recorded(name: str, storage: BaseStorage, option: str = "--study", where: str = "") -> optuna.Study:
    """The study of this name in an open storage.

    Args:
        name: as the user gave it.
        storage: where to look.
        option: which the name was given to.
        where: the storage in words, beginning with a blank.

    Raises:
        UserError: if there is none; it lists those that there are.
    """
    names = sorted(optuna.get_all_study_names(storage))
    if name not in names:
        there = f"it has {', '.join(names)}" if names else "it has none yet: run python -m search.run --study NAME"
        raise UserError(f"{option} {name}: no such study{where}; {there}")
    return optuna.load_study(study_name=name, storage=storage)


def contends(trial: FrozenTrial) -> bool:
    """Whether the trial can be the best one.

    Pruned trials cannot: their score is that of an early rung. Neither can those below a floor of the study, nor
    repeats, which have no model of their own.
    """
    return trial.state == TrialState.COMPLETE and is_feasible(trial) and REPEAT_OF not in trial.user_attrs


def rank(trial: FrozenTrial) -> tuple[float, int]:
    """Sorts trials that contend: the highest overall score first, the earlier of equals."""
    return -(trial.value or 0.0), trial.number


def best_trial(study: optuna.Study) -> FrozenTrial | None:
    """The first of the :func:`ranked_trials`; None if there is none."""
    return min(filter(contends, study.get_trials(deepcopy=False)), key=rank, default=None)


def ranked_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that contend, the best first."""
    return sorted(filter(contends, study.get_trials(deepcopy=False)), key=rank)


def pick_trial(study: optuna.Study, number: int | None) -> FrozenTrial:
    """The trial of this number, or the best one.

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
