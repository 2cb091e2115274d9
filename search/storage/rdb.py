"""Studies in a relational database: Optuna's storage, with transactions of several writes.

Optuna commits every single write, and a commit waits for the disk. A trial's proposal, each evaluation and its end are
some ten writes that belong together. As one transaction they cost one wait, and a crash leaves all of them or none.

This module subclasses private classes of Optuna; ``optuna_internals.py`` says which and how they are tested.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from optuna.exceptions import StorageInternalError
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Engine, Table, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from search.storage.damage import NOT_FOUND, reporting_damage
from search.storage.database import Database, Params
from search.storage.grouping_session import GroupingSession

__all__ = ["DatabaseStorage"]

LOOK_AT_ALL_SECONDS = 30.0
"""How long an only writer does not look for changes that others have made to its running trials."""
T = TypeVar("T")


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

    _backend: Database
    sees_reopened = False

    def __init__(self, url: str, engine_kwargs: dict[str, Any]) -> None:
        super().__init__(Database(url, engine_kwargs=engine_kwargs))
        self._is_only_writer = False
        self._newest_is_known = set[int]()  # ids of studies without new trials, as far as they matter
        self._newest: dict[int, int] = {}  # study id -> the newest id of a trial that was read
        self._read_at: dict[int, float] = {}  # study id -> when all its unfinished trials were last read

    @property
    def engine(self) -> Engine:
        """The database's connections."""
        return self._backend.engine

    def set_only_writer(self, is_only_writer: bool) -> None:
        """Say whether unfinished trials change by this object alone, so that it need not read the others again.

        What others write after all, on the dashboard for example, is seen within half a minute, and trials that they
        enqueue when trials that wait are asked for.
        """
        self._is_only_writer = is_only_writer
        self._read_at.clear()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create a trial like Optuna's method.

        Raises:
            KeyError: the database numbers it like a trial that it had before: an older copy was put in its place.
        """
        before = self._count_known(study_id)
        try:
            trial_id = super().create_new_trial(study_id, template_trial)
        except BaseException:  # it may have been stored all the same: whoever looks for it must find it
            self._read_at.pop(study_id, None)
            raise
        if self._count_known(study_id) == before:
            raise KeyError(NOT_FOUND)
        if study_id in self._read_at:
            with self._lock:
                self._studies[study_id].unfinished_trial_ids.add(trial_id)
                if max(self._studies[study_id].trials) == before:
                    self._newest[study_id] = trial_id
                else:  # another process has added one
                    del self._read_at[study_id]
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
            self._read_at.clear()
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
        self._read_at.pop(study_id, None)

    def delete_study(self, study_id: int) -> None:
        """Delete a study like Optuna's method; another one may get its id."""
        super().delete_study(study_id)
        self._read_at.pop(study_id, None)

    def set_trial_params(self, trial_id: int, params: Params) -> None:
        """Store parameters of a trial like ``set_trial_param``, all in one statement; keep those it already has."""
        with self._lock:
            study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
            known = self._studies[study_id].param_distribution
            was_current = self._is_current(trial_id)
            self._backend.add_params(trial_id, params, known)
            for name, (_, distribution) in params.items():
                known.setdefault(name, distribution)
            if was_current:
                values = {name: kind.to_external_repr(float(value)) for name, (value, kind) in params.items()}
                self._remember(trial_id, "params", lambda stored: stored | values | stored)
                distributions = {name: kind for name, (_, kind) in params.items()}
                self._remember(trial_id, "distributions", lambda stored: stored | distributions | stored)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Report a value like Optuna's method."""
        write = partial(super().set_trial_intermediate_value, trial_id, step, intermediate_value)
        self._write_through(write, trial_id, "intermediate_values", {step: float(intermediate_value)})

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute like Optuna's method."""
        write = partial(super().set_trial_user_attr, trial_id, key, value)
        self._write_through(write, trial_id, "user_attrs", {key: _as_stored(value)})

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute like Optuna's method."""
        write = partial(super().set_trial_system_attr, trial_id, key, value)
        self._write_through(write, trial_id, "system_attrs", {key: _as_stored(value)})

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Set them like Optuna's method."""
        with self._lock:
            was_current = self._is_current(trial_id)
            is_set = super().set_trial_state_values(trial_id, state, values)
            if is_set and was_current:
                self._remember_state(trial_id, state, values)
            return is_set

    def _remember_state(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> None:
        study_id, number = self._trial_id_to_study_id_and_number[trial_id]
        study, times = self._studies[study_id], self._backend.times(trial_id)
        changed = copy.copy(study.trials[number])
        changed.state, (changed.datetime_start, changed.datetime_complete) = state, times
        if values is not None:
            changed.values = [float(value) for value in values]
        study.trials[number] = changed
        if state.is_finished():
            study.unfinished_trial_ids.discard(trial_id)
        self._backend.written.discard(trial_id)

    def _write_through(self, write: Callable[[], None], trial_id: int, part: str, change: dict[Any, Any]) -> None:
        """Write a trial to the database and, if the cache has it as it is stored, into the cache."""
        with self._lock:
            was_current = self._is_current(trial_id)
            write()
            if was_current:
                self._remember(trial_id, part, lambda stored: stored | change)

    def _is_current(self, trial_id: int) -> bool:
        """Return whether the cache has a trial as it is stored."""
        study_id, number = self._trial_id_to_study_id_and_number.get(trial_id, (-1, -1))
        known = self._studies[study_id].trials if study_id in self._read_at else {}
        return number in known and trial_id not in self._backend.written

    def _remember(self, trial_id: int, part: str, change: Callable[[dict[Any, Any]], dict[Any, Any]]) -> None:
        """Change a part of a trial in the cache as in the database, so that it need not be read again."""
        study_id, number = self._trial_id_to_study_id_and_number[trial_id]
        trials = self._studies[study_id].trials
        changed = copy.copy(trials[number])  # others may have the trial as it was
        setattr(changed, part, change(getattr(changed, part)))
        trials[number] = changed
        self._backend.written.discard(trial_id)

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
        if states is not None and TrialState.WAITING in states:
            self._look_for_enqueued(study_id)
        self._read_trials_from_remote_storage(study_id)
        with self._lock:
            known = self._studies[study_id].trials
            trials = [known[number] for number in sorted(known)]  # usually in order already
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def _look_for_enqueued(self, study_id: int) -> None:
        """Note that trials may have been enqueued by others, and that those that wait may have been taken."""
        self._newest_is_known.discard(study_id)
        with self._lock:
            study = self._studies.get(study_id)
            known = [] if study is None else [trial for trial in study.trials.values() if not trial.state.is_finished()]
            self._backend.written.update(trial._trial_id for trial in known if trial.state == TrialState.WAITING)

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        """Read new trials, and those that may have changed since they were last read.

        Optuna reads all unfinished trials each time. With hundreds of workers, that would be most of a driver's work.
        """
        now = time.monotonic()
        if not self._is_only_writer or now - self._read_at.get(study_id, -math.inf) > LOOK_AT_ALL_SECONDS:
            super()._read_trials_from_remote_storage(study_id)
            if self._is_only_writer:
                with self._lock:
                    ids = [trial._trial_id for trial in self._studies[study_id].trials.values()]
                    self._backend.written.difference_update(ids)
                self._newest[study_id], self._read_at[study_id] = max(ids, default=-1), now
                self._newest_is_known.add(study_id)
            return
        with self._lock:
            changed = self._studies[study_id].unfinished_trial_ids & self._backend.written
            if changed or study_id not in self._newest_is_known:
                self._keep(study_id, self._backend._get_trials(study_id, None, changed, self._newest[study_id]))
                self._newest_is_known.add(study_id)

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

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial like Optuna's method."""
        study_id, number = self._trial_id_to_study_id_and_number.get(trial_id, (-1, -1))
        if study_id not in self._read_at:
            return super().get_trial(trial_id)
        if not self._is_current(trial_id):
            with self._lock:
                self._keep(study_id, [self._backend.get_trial(trial_id)])
        trial = self._studies[study_id].trials[number]
        return trial if trial.state.is_finished() else _with_own_parts(trial)

    def _keep(self, study_id: int, trials: list[FrozenTrial]) -> None:
        """Put trials that have just been read into the cache."""
        study = self._studies[study_id]
        self._add_trials_to_cache(study_id, trials)
        for trial in trials:
            is_over = trial.state.is_finished()
            (study.unfinished_trial_ids.discard if is_over else study.unfinished_trial_ids.add)(trial._trial_id)
            self._backend.written.discard(trial._trial_id)
            self._newest[study_id] = max(self._newest[study_id], trial._trial_id)

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        """Return a trial's system attributes like Optuna's method, but without reading the rest of the trial."""
        if self._is_current(trial_id):
            return dict(self.get_trial(trial_id).system_attrs)
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
            self._backend.require_study(study_id, session)
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


def _as_stored(value: Any) -> Any:
    """Return an attribute's value as it is when it is read."""
    return json.loads(json.dumps(value))


def _with_own_parts(trial: FrozenTrial) -> FrozenTrial:
    """Return a copy with dictionaries of its own; Optuna's ``Trial`` changes those that it gets."""
    own = copy.copy(trial)
    for part in ("params", "distributions", "user_attrs", "system_attrs", "intermediate_values"):
        setattr(own, part, dict(getattr(trial, part)))
    return own
