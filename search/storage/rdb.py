"""Optuna's tables, read and written in fewer statements than its own storage needs."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility, distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import scoped_session, sessionmaker

from search.storage.batch_session import BatchSession
from search.storage.trial_rows import read_trials

__all__ = ["Database", "Params"]

Params = Mapping[str, tuple[float, BaseDistribution]]
"""Name -> value as Optuna stores it, and distribution."""


class Database(RDBStorage):
    """Optuna's storage of databases; its sessions are ready for batches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scoped_session = scoped_session(sessionmaker(bind=self.engine, class_=BatchSession))

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """As Optuna's."""
        found = self._read_trials(models.TrialModel.trial_id == trial_id)
        return found[0] if found else super().get_trial(trial_id)  # which says that there is none

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        if states is not None:
            return super()._get_trials(study_id, states, included_trial_ids, trial_id_greater_than)
        ids = models.TrialModel.trial_id
        wanted = or_(ids > trial_id_greater_than, ids.in_(included_trial_ids))
        return self._read_trials(and_(models.TrialModel.study_id == study_id, wanted))

    def _read_trials(self, condition: ColumnElement[bool]) -> list[FrozenTrial]:
        with _create_scoped_session(self.scoped_session) as session:
            return read_trials(session, self._build_frozen_trial_from_trial_model, condition)

    def add_params(self, trial_id: int, params: Params, known: dict[str, BaseDistribution]) -> None:
        """Add parameters to a trial that has none of them; ``known`` distributions need not be looked up."""
        with _create_scoped_session(self.scoped_session, True) as session:
            trial: Any = models.TrialModel.find_or_raise_by_id(trial_id, session)
            self.check_trial_is_updatable(trial_id, trial.state)
            for name, (value, distribution) in params.items():
                if name in known:
                    check_distribution_compatibility(known[name], distribution)
                    text = distribution_to_json(distribution)
                    row = {"trial_id": trial_id, "param_name": name, "param_value": value, "distribution_json": text}
                    session.add(models.TrialParamModel(**row))
                else:
                    self._set_trial_param_without_commit(session, trial_id, name, value, distribution)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """As Optuna's."""
        return self.study_system_attrs_starting(study_id, "")

    def study_system_attrs_starting(self, study_id: int, prefix: str) -> dict[str, Any]:
        """Those whose key begins so."""
        model = models.StudySystemAttributeModel
        query = select(model.key, model.value_json).where(model.study_id == study_id)
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            rows = session.execute(query.where(model.key.startswith(prefix, autoescape=True)) if prefix else query)
            return {row.key: json.loads(row.value_json) for row in rows}
