"""A storage in memory that has what ours adds to Optuna's: for tests that run hundreds of studies."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState


class MemoryStorage(InMemoryStorage):
    """Does what :class:`search.storage.rdb.DatabaseStorage` does, ten times as fast; see there."""

    is_grouping = False

    def set_only_writer(self, is_only_writer: bool) -> None: ...

    def in_transaction(self, write: Callable[[], Any]) -> Any:
        if self.is_grouping:
            return write()
        before, self.is_grouping = self._copy(), True
        try:
            return write()
        except BaseException:
            self.__dict__.update(before)
            raise
        finally:
            self.is_grouping = False

    def _copy(self) -> dict[str, Any]:
        state = {
            name: copy.copy(value) for name, value in vars(self).items() if name.startswith("_") and name != "_lock"
        }
        state["_studies"] = {number: copy.copy(study) for number, study in self._studies.items()}
        for study in state["_studies"].values():
            study.trials = list(study.trials)  # the trials are never changed, only replaced
            study.param_distribution = dict(study.param_distribution)
        return state

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return copy.deepcopy(super().get_trial(trial_id))  # a trial would change the stored one

    def set_trial_params(self, trial_id: int, params: Mapping[str, tuple[float, BaseDistribution]]) -> None:
        stored = self.get_trial(trial_id).params
        for name, (value, distribution) in params.items():
            if name not in stored:
                self.set_trial_param(trial_id, name, value, distribution)

    def reopen_trial(self, trial_id: int, user_attrs: Container[str], system_attrs: Callable[[str], bool]) -> None:
        trial = copy.copy(self._get_trial(trial_id))
        if trial.state != TrialState.PRUNED:
            return
        trial.state, trial.values, trial.datetime_complete = TrialState.RUNNING, None, None
        trial.user_attrs = {key: value for key, value in trial.user_attrs.items() if key not in user_attrs}
        trial.system_attrs = {key: value for key, value in trial.system_attrs.items() if not system_attrs(key)}
        self._set_trial(trial_id, trial)

    def compare_and_set(self, study_id: int, key: str, old: Any, new: Any) -> bool:
        if self.get_study_system_attrs(study_id).get(key) != old:
            return False
        self.set_study_system_attr(study_id, key, new)
        return True

    def study_system_attrs_starting(self, study_id: int, prefix: str) -> dict[str, Any]:
        attributes = self.get_study_system_attrs(study_id)
        return {key: value for key, value in attributes.items() if key.startswith(prefix)}
