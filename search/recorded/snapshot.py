"""Copy a study as it is at one moment, while its search continues."""

from __future__ import annotations

import optuna
from optuna.storages import InMemoryStorage

__all__ = ["snapshot"]


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
