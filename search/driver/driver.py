"""The driver: ask Optuna for trials, have an executor train them, report their scores, prune and end them.

It is the only process that writes a study. With one worker, its proposals depend on the study alone, however often it
was interrupted or killed; with several workers, also on which trial ends first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

import optuna
from optuna.storages import BaseStorage

from search.driver.budget import Budget, Remaining
from search.driver.events import Observer
from search.driver.retries import RetryLimits
from search.driver.stop_request import Interrupts, StopRequest
from search.driver.study_session import StudyResult, StudySession
from search.executors.base import Executor
from search.recorded.study import create_or_load
from search.storage.file_lease import FileLease
from search.storage.rdb import DatabaseStorage
from search.storage.retrying_storage import RetryingStorage
from search.storage.storage_lease import StorageLease
from search.study.spec import StudySpec

__all__ = ["Driver", "StudyResult"]


class Driver:
    """Run one study until it is finished or interrupted.

    Args:
        spec: the study.
        storage: where it is recorded.
        executor: trains; the driver starts and stops it.
        folder: the study's own, ``runs/<study>``.
        storage_name: name of the storage for people.
        data_digest: of all data that trials may read; a study cannot be resumed with other data than it began with.
            None: not checked.
        splits_digest: of the tasks' own files, for commands that use the study later.
        retry_limits: how often a trial may break off before it fails.
    """

    def __init__(
        self,
        spec: StudySpec,
        storage: DatabaseStorage,
        executor: Executor,
        folder: Path,
        *,
        storage_name: str = "",
        data_digest: str | None = None,
        splits_digest: str | None = None,
        retry_limits: RetryLimits = RetryLimits(),  # noqa: B008 (it is frozen)
    ) -> None:
        self._spec = spec
        self._executor = executor
        self._folder = folder
        self._storage_name = storage_name
        self._digests = data_digest, splits_digest
        self._retry_limits = retry_limits
        self._interrupts = Interrupts(executor.wake)
        retrying = RetryingStorage(storage, storage_name, lambda: self._interrupts.count > 0)
        self._storage = cast(BaseStorage, retrying)
        self._lease = StorageLease(spec.name, retrying)

    @cached_property
    def _initial_budget(self) -> Budget:
        """The budget when it was first asked for; creates the study if it is new."""
        with FileLease(self._folder, self._spec.name), self._lease:
            return Budget(self._spec, self._open())

    def _open(self) -> optuna.Study:
        """Load the study, or create it if it is new; takes its lease."""
        return create_or_load(self._spec, self._storage, *self._digests, self._lease.take)

    @property
    def is_new(self) -> bool:
        """Whether no trial had ended when the study was first looked at; raises the same as :attr:`remaining`."""
        return self._initial_budget.ended == 0

    @property
    def remaining(self) -> Remaining:
        """What the study could still spend when it was first looked at; creates the study if it is new.

        Raises:
            UserError: in the same cases as :meth:`run`.
        """
        return self._initial_budget.remaining

    def run(self, observers: Sequence[Observer] = ()) -> StudyResult:
        """Train until the study is finished, beginning with the trials that were left running.

        The first SIGINT or SIGTERM lets running trials write checkpoints, the second kills them. In both cases they
        stay RUNNING in the storage, and a later call resumes them.

        Args:
            observers: notified of every event, in order, from this thread.

        Raises:
            UserError: another driver runs this study, the study in the storage is a different one, the input is
                unusable, or the machine is at fault (a full disk). Running trials write checkpoints first, and can be
                resumed.
            ExecutorError: workers cannot be started.
        """
        with FileLease(self._folder, self._spec.name), self._interrupts.counted(), self._lease:
            session = StudySession(
                self._spec,
                self._open(),
                self._executor,
                self._folder,
                storage_name=self._storage_name,
                retry_limits=self._retry_limits,
                stop=StopRequest(self._interrupts),
                lease=self._lease,
                observers=observers,
            )
            try:
                session.train()
            finally:
                self._executor.stop()
            return session.finish()
