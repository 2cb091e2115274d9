"""Studies in a relational database: Optuna's storage, with transactions of several writes.

Optuna commits every single write, and a commit waits for the disk. A trial's proposal, each evaluation and its end are
some ten writes that belong together. As one transaction they cost one wait, and a crash leaves all of them or none.

This module subclasses private classes of Optuna; ``optuna_internals.py`` says which and how they are tested.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Container, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
    json_to_distribution,
)
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, Connection, Engine, MetaData, Table, and_, event, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from search.storage.damage import NOT_FOUND, reporting_damage
from search.storage.grouping_session import GroupingSession

__all__ = ["DatabaseStorage", "Params"]

T = TypeVar("T")
Params = Mapping[str, tuple[float, BaseDistribution]]
"""Name -> value as Optuna stores it, and distribution."""

_PARTS: dict[str, Any] = {
    "values": models.TrialValueModel,
    "params": models.TrialParamModel,
    "user_attributes": models.TrialUserAttributeModel,
    "system_attributes": models.TrialSystemAttributeModel,
    "intermediate_values": models.TrialIntermediateValueModel,
}
"""Part of a trial, as Optuna names it -> its table."""


@event.listens_for(models.BaseModel.metadata, "after_create")
def _create_missing_indexes(metadata: MetaData, connection: Connection, **_: Any) -> None:
    """Create what Optuna left out, where SQLite and MySQL commit each statement and a process was killed between two.

    Optuna creates the indexes of a table only together with the table. Without one, two studies can have one name.
    """
    for table in metadata.sorted_tables:
        for index in table.indexes:
            index.create(connection, checkfirst=True)


_distribution: Callable[[str], BaseDistribution] = lru_cache(maxsize=4096)(json_to_distribution)


@reporting_damage
class DatabaseStorage(_CachedStorage):
    """Optuna's cached storage for databases, with :meth:`in_transaction`.

    Its methods raise :class:`~search.storage.errors.StorageDamagedError` if what they read makes no sense.

    Args:
        url: an SQLAlchemy URL.
        engine_kwargs: for ``sqlalchemy.create_engine``.

    Attributes:
        sees_reopened: whether to look for trials that another process has reopened since they were read. This takes
            another query each time that trials are read; only programs that watch a study while it runs need it.
    """

    _backend: _Database
    sees_reopened = False

    def __init__(self, url: str, engine_kwargs: dict[str, Any]) -> None:
        super().__init__(_Database(url, engine_kwargs=engine_kwargs))

    @property
    def engine(self) -> Engine:
        """The database's connections."""
        return self._backend.engine

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create a trial like Optuna's method.

        Raises:
            KeyError: the database numbers it like a trial that it had before: an older copy was put in its place.
        """
        before = self._count_known(study_id)
        trial_id = super().create_new_trial(study_id, template_trial)
        if self._count_known(study_id) == before:
            raise KeyError(NOT_FOUND)
        return trial_id

    def _count_known(self, study_id: int) -> int:
        with self._lock:
            study = self._studies.get(study_id)
            return 0 if study is None else len(study.trials)

    def in_transaction(self, write: Callable[[], T]) -> T:
        """Call ``write`` and store what it writes, from this thread, as one transaction; return its result.

        A transaction within another one is part of the outer one.

        Args:
            write: reads and writes the storage. It may be called again after a failure, so it must do the same each
                time. What it changes outside the storage must tolerate that, and so must writes that the first call
                may have stored after all, because the connection broke during the commit.

        Raises:
            StorageInternalError: as for single writes; nothing was stored, unless the commit itself failed.
        """
        session = cast(GroupingSession, self._backend.scoped_session())
        if session.is_grouping:
            return write()
        cache = self._copy_of_cache()
        session.begin_group()
        try:
            result = write()
            session.end_group()
        except BaseException as error:
            session.abandon_group()
            self.__dict__.update(cache)  # it may contain trials, or ends of trials, that are undone now
            if isinstance(error, SQLAlchemyError):
                raise StorageInternalError(f"a transaction was not stored: {error}") from error
            raise
        return result

    def compare_and_set(self, study_id: int, key: str, old: Any, new: Any) -> bool:
        """Set a system attribute of a study if its value is ``old``, in one atomic statement.

        Args:
            old: JSON data; None for an attribute that does not exist or is null.
            new: other JSON data.

        Returns:
            Whether the value was ``old`` and is now ``new``.
        """
        table: Table = models.StudySystemAttributeModel.__table__
        texts = {"value_json": json.dumps(new)}  # as Optuna writes it; the same data is always the same text
        same_attribute = (table.c.study_id == study_id) & (table.c.key == key)
        try:
            with self.engine.begin() as connection:
                found = connection.execute(
                    update(table).where(same_attribute & (table.c.value_json == json.dumps(old))).values(texts)
                )
                if found.rowcount == 0 and old is None:
                    connection.execute(insert(table).values(study_id=study_id, key=key, **texts))
                    return True
                return found.rowcount > 0
        except IntegrityError:  # another process inserted it a moment ago
            return False

    def rename_study(self, study_id: int, name: str) -> None:
        """Give a study another name, which no study of this storage has; Optuna cannot."""
        table: Table = models.StudyModel.__table__
        with _create_scoped_session(self._backend.scoped_session, True) as session:
            session.execute(update(table).where(table.c.study_id == study_id).values(study_name=name))
        with self._lock:
            self._studies.pop(study_id, None)  # it knows the old name

    def set_trial_params(self, trial_id: int, params: Params) -> None:
        """Store parameters of a trial like ``set_trial_param``, all in one statement; keep those it already has."""
        with self._lock:
            study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
            known = self._studies[study_id].param_distribution
            self._backend.add_params(trial_id, params, known)
            for name, (_, distribution) in params.items():
                known.setdefault(name, distribution)

    def reopen_trial(self, trial_id: int, user_attrs: Container[str], system_attrs: Callable[[str], bool]) -> None:
        """Make a PRUNED trial RUNNING again, without its value; Optuna itself never changes trials that have ended.

        Another process that has read the trial does not see the change, except with :attr:`sees_reopened`.

        Args:
            trial_id: of the trial; if it is not PRUNED, nothing changes.
            user_attrs: names of the user attributes that are deleted.
            system_attrs: whether the system attribute of this name is deleted.
        """
        self._backend.reopen_trial(trial_id, user_attrs, system_attrs)
        with self._lock:
            study_id, number = self._trial_id_to_study_id_and_number[trial_id]
            study = self._studies[study_id]
            study.trials[number] = self._backend.get_trial(trial_id)
            study.unfinished_trial_ids.add(trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return all trials like Optuna's method, which sorts them by a slower key on each call."""
        if self.sees_reopened:
            self._forget_reopened(study_id)
        self._read_trials_from_remote_storage(study_id)
        with self._lock:
            known = self._studies[study_id].trials
            trials = [known[number] for number in sorted(known)]  # usually in order already
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def _forget_reopened(self, study_id: int) -> None:
        """Note which ended trials have another end than when they were read, or none, so that they are read again."""
        with self._lock:
            study = self._studies.get(study_id)
            if study is None:
                return
            ends = self._backend.ends(study_id)
            study.unfinished_trial_ids.update(
                trial._trial_id
                for trial in study.trials.values()
                if trial.state.is_finished() and ends.get(trial._trial_id) != trial.datetime_complete
            )

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        """Return a trial's system attributes like Optuna's method, but without reading the rest of the trial."""
        return self._backend.get_trial_system_attrs(trial_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return all system attributes of a study like Optuna's method."""
        return self.study_system_attrs_starting(study_id, "")

    def study_system_attrs_starting(self, study_id: int, prefix: str) -> dict[str, Any]:
        """Return the system attributes of a study whose keys start with ``prefix``.

        The dashboard keeps the notes of all trials there.
        """
        model = models.StudySystemAttributeModel
        query = select(model.key, model.value_json).where(model.study_id == study_id)
        with _create_scoped_session(self._backend.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            rows = session.execute(query.where(model.key.startswith(prefix, autoescape=True)) if prefix else query)
            return {row.key: json.loads(row.value_json) for row in rows}

    def _copy_of_cache(self) -> dict[str, Any]:
        with self._lock:
            studies = {number: copy.copy(study) for number, study in self._studies.items()}
            for study in studies.values():
                for name, value in vars(study).items():
                    setattr(study, name, copy.copy(value))  # the trials in it are never changed, only replaced
            return {
                "_studies": studies,
                "_trial_id_to_study_id_and_number": self._trial_id_to_study_id_and_number.copy(),
                "_study_id_and_number_to_trial_id": self._study_id_and_number_to_trial_id.copy(),
            }


class _Database(RDBStorage):
    """Optuna's tables, read and written in fewer statements than by Optuna itself, in sessions that can group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scoped_session = scoped_session(sessionmaker(bind=self.engine, class_=GroupingSession))

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial like Optuna's method."""
        found = self._read_trials(models.TrialModel.trial_id == trial_id)
        return found[0] if found else super().get_trial(trial_id)  # which raises the error for a missing trial

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
        """Read the trials that meet a condition on ``models.TrialModel``, in order of their ids, as plain rows.

        This takes a tenth of the time of Optuna's mapped objects. A driver that resumes a study of 10,000 trials reads
        half a million rows before it can propose anything.
        """
        with _create_scoped_session(self.scoped_session) as session:
            trials = session.scalars(select(models.TrialModel).where(condition).order_by(models.TrialModel.trial_id))
            found: dict[Any, tuple[models.TrialModel, dict[str, list[Any]]]] = {
                trial.trial_id: (trial, {part: [] for part in _PARTS}) for trial in trials
            }
            for part, model in _PARTS.items() if found else ():
                table: Table = model.__table__
                for row in session.execute(select(*table.columns).join(models.TrialModel).where(condition)):
                    found[row.trial_id][1][part].append(row)
            return [self._freeze(trial, parts) for trial, parts in found.values()]

    def _freeze(self, trial: models.TrialModel, parts: dict[str, list[Any]]) -> FrozenTrial:
        """Build a trial from its rows in all tables.

        Optuna's own step gets no parameters: it would parse the JSON of every distribution twice, although a study has
        only a few of them.
        """
        params = sorted(parts.pop("params"), key=lambda row: row.param_id)
        fields = ("trial_id", "number", "state", "datetime_start", "datetime_complete")
        rows: Any = SimpleNamespace(**{name: getattr(trial, name) for name in fields}, **parts, params=())
        frozen = self._build_frozen_trial_from_trial_model(rows)
        frozen.distributions = {row.param_name: _distribution(row.distribution_json) for row in params}
        frozen.params = {
            row.param_name: frozen.distributions[row.param_name].to_external_repr(row.param_value) for row in params
        }
        return frozen

    def ends(self, study_id: int) -> dict[int, Any]:
        """Return when each trial ended, by id; None for those that have not."""
        with _create_scoped_session(self.scoped_session) as session:
            trials: Any = session.scalars(select(models.TrialModel).where(models.TrialModel.study_id == study_id))
            return {trial.trial_id: trial.datetime_complete for trial in trials}

    def reopen_trial(self, trial_id: int, user_attrs: Container[str], system_attrs: Callable[[str], bool]) -> None:
        """Do what :meth:`DatabaseStorage.reopen_trial` says."""
        with _create_scoped_session(self.scoped_session, True) as session:
            trial: Any = models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)
            if trial.state != TrialState.PRUNED:
                return
            trial.state, trial.datetime_complete = TrialState.RUNNING, None
            for value in trial.values:
                session.delete(value)
            for attribute in trial.user_attributes:
                if attribute.key in user_attrs:
                    session.delete(attribute)
            for attribute in trial.system_attributes:
                if system_attrs(attribute.key):
                    session.delete(attribute)

    def add_params(self, trial_id: int, params: Params, known: dict[str, BaseDistribution]) -> None:
        """Add the parameters that a trial does not have yet; ``known`` distributions need not be looked up."""
        with _create_scoped_session(self.scoped_session, True) as session:
            trial: Any = models.TrialModel.find_or_raise_by_id(trial_id, session)
            self.check_trial_is_updatable(trial_id, trial.state)
            stored = {param.param_name for param in trial.params}
            for name, (value, distribution) in params.items():
                if name in stored:
                    continue
                if name in known:
                    check_distribution_compatibility(known[name], distribution)
                    text = distribution_to_json(distribution)
                    row = {"trial_id": trial_id, "param_name": name, "param_value": value, "distribution_json": text}
                    session.add(models.TrialParamModel(**row))
                else:
                    self._set_trial_param_without_commit(session, trial_id, name, value, distribution)
