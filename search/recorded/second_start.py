"""Decide whether a study may begin under the name of a recorded one, which may have other settings or data.

A trial that is complete or pruned, or that runs and has a score or a checkpoint, is work. A study with work is never
replaced: it is continued, refused, or moved aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.preflight.study_inputs import UNKNOWN_INPUTS, StudyInputs
from search.recorded.disagreements import check_agreement
from search.recorded.moving import finish_moves, move_aside
from search.recorded.study import FORK, RESTART, has_changed, refuse_changes, refuse_foreign
from search.recorded.study_folder import check_folder
from search.storage.file_lease import check_not_locked, file_lease
from search.storage.open import open_storage
from search.storage.rdb import DatabaseStorage
from search.storage.retrying_storage import RetryingStorage
from search.storage.storage_lease import StorageLease, check_not_held
from search.storage.study_names import recorded_names
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.remote_study import study_folder

__all__ = ["SecondStart", "has_work"]


def has_work(study: optuna.Study, folder: Path) -> bool:
    """Return whether any trial of a study is work that must not be lost.

    Args:
        folder: of the study, with its trials' checkpoints.
    """
    return any(_is_work(trial, TrialFolders(folder)) for trial in study.get_trials(deepcopy=False))


def _is_work(trial: FrozenTrial, folders: TrialFolders) -> bool:
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        return True
    is_running = trial.state == TrialState.RUNNING
    return is_running and (bool(trial.intermediate_values) or folders.has_checkpoint(trial.number))


@dataclass(frozen=True)
class SecondStart:
    """The start of a study whose name may be that of a recorded one.

    Attributes:
        url: of the storage; None for the default.
        runs_dir: contains the studies' folders.
        restart: whether the user wants the recorded study moved aside; None if the command has no such option.
    """

    url: str | None
    runs_dir: Path
    restart: bool | None = None

    def describe(self, spec: StudySpec, inputs: StudyInputs = UNKNOWN_INPUTS) -> str:
        """Say whether the study is recorded, and with how many ended trials; changes nothing.

        Args:
            spec: the study.
            inputs: what it trains from, as far as it is known.

        Raises:
            UserError: as :meth:`check`.
        """
        self.check(spec, inputs)
        storage = self._storage(spec.name)
        study = None if storage is None else _find(spec.name, storage)
        if study is None:
            return "recorded: nothing yet; the study is new"
        if self.restart:
            return "recorded: a study of this name, which is moved aside"
        if has_changed(spec, study, inputs) and not has_work(study, self._folder(spec.name)):
            return "recorded: a study of this name without a finished trial; it begins again with what has changed"
        ended = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
        return f"recorded: {ended} {'trial has' if ended == 1 else 'trials have'} ended; the study is continued"

    def may_differ(self, name: str) -> bool:
        """Return whether what is recorded under a name, if anything, is moved aside or replaced by what differs."""
        storage = self._storage(name)
        study = None if storage is None else _find(name, storage)
        return bool(self.restart) or study is None or not has_work(study, self._folder(name))

    def finish_moves(self, name: str) -> None:
        """Finish what a killed process has begun to move aside; see :func:`search.recorded.moving.finish_moves`."""
        if (storage := self._storage(name)) is not None:
            finish_moves(name, storage, self.runs_dir)

    def check(self, spec: StudySpec, inputs: StudyInputs = UNKNOWN_INPUTS) -> None:
        """Refuse what is known to be refused later, before anything slow is done; changes nothing.

        Args:
            spec: the study.
            inputs: what it trains from, as far as it is known; of the data nothing is before they are read.

        Raises:
            UserError: a driver runs the study, its folder holds trials of another one, or it has work and other
                settings or data, or results other than those in its folder.
        """
        folder = self._folder(spec.name)
        check_not_locked(folder, spec.name)
        storage = self._storage(spec.name)
        study = None if storage is None else _find(spec.name, storage)
        check_folder(spec.name, study, TrialFolders(folder))
        if storage is None or study is None:
            return
        refuse_foreign(spec, study)
        check_not_held(study, storage)
        if not self.restart and has_work(study, folder):
            refuse_changes(spec, study, inputs, FORK if self.restart is None else RESTART)
            if inputs.data_digest is None:  # once, before the data are read
                check_agreement(study, TrialFolders(folder))

    def make_room(self, spec: StudySpec, inputs: StudyInputs = UNKNOWN_INPUTS) -> str | None:
        """Move the recorded study aside, if that is wanted; replace one without work if it differs.

        Of a study without work, failed trials are moved aside with it; if no trial has ended, it is deleted.

        Args:
            spec: the study.
            inputs: as in :meth:`check`.

        Returns:
            A line about what was done; None if nothing was.

        Raises:
            UserError: a driver runs the study.
        """
        storage = self._storage(spec.name)
        study = None if storage is None else _find(spec.name, storage)
        if storage is None or study is None:
            return None
        name, folder = spec.name, self._folder(spec.name)
        has_new = has_changed(spec, study, inputs)
        if not self.restart and (has_work(study, folder) or not has_new):
            return None
        if self.restart or any(trial.state.is_finished() for trial in study.get_trials(deepcopy=False)):
            moved = move_aside(name, storage, self.runs_dir)
            why = "" if self.restart else " had no finished trial, and"
            return f"study '{name}'{why} is now called '{moved}'; its folder is '{self.runs_dir / str(moved)}'"
        with file_lease(folder, name), StorageLease(name, RetryingStorage(storage)) as lease:
            lease.take(study)
            if has_work(study, folder):  # another driver was faster; its work is refused or continued, not deleted
                return None
            for trial in study.get_trials(deepcopy=False):
                TrialFolders(folder).delete(trial.number)
            optuna.delete_study(study_name=name, storage=storage)
        return f"study '{name}' had no finished trial; it begins again with what has changed"

    def _folder(self, name: str) -> Path:
        return study_folder(self.runs_dir, name)

    def _storage(self, name: str) -> DatabaseStorage | None:
        """Return the storage; None if it does not exist yet, or has no studies that the name is about."""
        names = recorded_names(self.url, self.runs_dir)
        if names is not None and not any(one == name or one.startswith(f"{name}-") for one in names):
            return None
        return open_storage(self.url, self.runs_dir)


def _find(name: str, storage: DatabaseStorage) -> optuna.Study | None:
    if name not in optuna.get_all_study_names(storage):
        return None
    return optuna.load_study(study_name=name, storage=storage)
