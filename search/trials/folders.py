"""Manage the folders of trials, and how much of them stays on disk."""

from __future__ import annotations

import os
import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from core.run.atomic_files import writing
from core.run.evaluation import Evaluation
from core.run.joined_evaluation import mean_curve
from core.run.run_folder import RunFolder
from data.errors import UserError
from search.trials.folder_owner import FolderOwner, read_owner, write_owner
from search.trials.remote_study import RemoteStudy, remote_study

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.inputs.data_content import DataContent
    from core.model_files.encoder_content import EncoderContent

__all__ = ["ERROR", "RUNS", "WORKER_LOCK", "TrialFolders"]

RUNS = Path("runs")
"""Default folder of all studies' results."""

ERROR = "error.txt"
WORKER_LOCK = ".worker.lock"


@dataclass(frozen=True)
class TrialFolders:
    """The trial folders of one study.

    Attributes:
        root: the study's folder, ``runs/<study>``.
        study_id: of the study, for new folders; None: unknown.
    """

    root: Path
    study_id: str | None = None

    @property
    def remote(self) -> RemoteStudy | None:
        """What the folder is a copy of; None for an ordinary folder, which all machines that train share."""
        return remote_study(self.root)

    def path(self, number: int) -> Path:
        """Return the trial's folder: ``trial-0007`` for 7; more digits from trial 10000 on."""
        return self.root / f"trial-{number:04d}"

    def run(self, number: int) -> RunFolder:
        """Return the trial's folder as that of a run."""
        return RunFolder(self.path(number))

    def has_results(self, number: int) -> bool:
        """Return whether the trial's folder holds work: evaluations, a checkpoint or a model."""
        run = self.run(number)
        files = (file for one in (run, *run.folds) for file in (one.metrics, one.checkpoint, one.best_model))
        return any(file.is_file() for file in files)

    def has_checkpoint(self, number: int) -> bool:
        """Return whether a run of the trial may have saved a checkpoint."""
        return self.run(number).has_checkpoint or self._has_run(number)

    def has_work(self, number: int) -> bool:
        """Return whether there is work in the trial's folder, or may be in what its runs have saved elsewhere."""
        return self.has_results(number) or self._has_run(number)

    def _has_run(self, number: int) -> bool:
        return self.remote is not None and self.remote.has_run(number)

    def begin(
        self, number: int, config: RunConfig, encoder: EncoderContent | None = None, data: DataContent | None = None
    ) -> Path:
        """Create a folder that says which study, configuration, encoder and data it is for, and nothing else.

        A driver that was killed here may have left a folder. It is deleted, but never any results.

        Raises:
            UserError: there are results, so the folder is that of another trial.
            MachineError: it cannot be written.
        """
        folder = self.path(number)
        if self.has_results(number):
            raise UserError(
                f"'{folder}' has results of another trial, which would be lost; move it away, then run the same "
                "command again"
            )
        with writing(folder):
            if folder.exists():
                shutil.rmtree(folder)
        if encoder is not None:
            self.run(number).write_encoder(encoder.to_json())
        if data is not None:
            self.run(number).write_data(data.to_json())
        if self.study_id is not None:
            write_owner(folder, FolderOwner(self.study_id))
        self.run(number).write_config(config)
        return folder

    def is_begun(self, number: int) -> bool:
        """Return whether a trial that is recorded as begun has a folder; a driver may have been killed before.

        In an ordinary runs folder, the folder comes first.
        """
        if self.remote is None:
            return True
        owner = read_owner(self.path(number))
        return self.remote.is_begun(number) and owner is not None and owner.id == self.study_id

    def resume(self, number: int, config: RunConfig, data: DataContent | None = None) -> None:
        """Write what may have changed since the trial was begun: where its data are, and their bytes.

        Raises:
            MachineError: the folder cannot be written.
        """
        self.run(number).write_config(config)
        if data is not None:
            self.run(number).write_data(data.to_json())
        if self.remote is not None:
            self.remote.push_trial(number)

    def url_for_runs(self, number: int, *, is_new: bool) -> str | None:
        """Return where the trial's runs save their files; None: in :meth:`path`.

        Args:
            number: of the trial.
            is_new: whether it has just been begun, so that nothing of it can be there yet.

        Raises:
            MachineError: what it begins with cannot be saved there.
        """
        if self.remote is None:
            return None
        if is_new:
            self.remote.begin(number)
        self.remote.expect_run(number)
        return self.remote.url

    def receive(self, number: int) -> None:
        """Copy what the trial's runs have saved elsewhere, but no checkpoint or model: :meth:`tidy` does, if kept.

        Called before the end of the trial is recorded, so that all trials that are recorded as ended have their files.

        Raises:
            MachineError: they cannot be copied.
        """
        if self.remote is not None:
            run = self.run(number)
            large = {run.checkpoint.name, run.best_model.name}
            self.remote.fetch_run(number, lambda name: PurePosixPath(name).name not in large)
            self.remote.push_trial(number)

    def delete(self, number: int) -> None:
        """Delete all files of a trial.

        Raises:
            MachineError: they cannot be deleted.
        """
        folder = self.path(number)
        with writing(folder):
            if folder.exists():
                shutil.rmtree(folder)
        if self.remote is not None:
            self.remote.delete(number)

    def curve(self, number: int) -> list[Evaluation]:
        """Return the trial's evaluations for display; none, with a warning, if they cannot be read."""
        try:
            return self.run(number).read_metrics()
        except UserError as error:
            warnings.warn(str(error), stacklevel=2)
            return []

    def model_curve(self, number: int) -> list[Evaluation]:
        """Return the curve of one model: that of :meth:`curve`, or, of a trial over folds, the mean over its folds.

        None, with a warning, if one cannot be read, or not all folds are trained.
        """
        folds = self.run(number).folds
        if not folds:
            return self.curve(number)
        try:
            curves = [fold.read_metrics() for fold in folds]
        except UserError as error:
            warnings.warn(str(error), stacklevel=2)
            return []
        return mean_curve(curves) if len({len(curve) for curve in curves}) == 1 else []

    def copy_outputs(self, original: int, number: int) -> None:
        """Give trial ``number`` the metrics and predictions of ``original``, as far as they exist, but no model.

        The copies are hard links if the file system supports them: these files are replaced, never modified.

        Raises:
            UserError: the disk is full, or the folder cannot be written to.
        """
        source, target = self.run(original), self.run(number)
        outputs = (source.encoder, source.metrics, source.best_evaluation, *source.path.glob("predictions/*.npy"))
        for path in (source.checksums.path, *outputs):
            if path.is_file():
                _link(path, target.path / path.relative_to(source.path))
        if self.remote is not None:
            self.remote.push_trial(number)

    def tidy(self, number: int, *, keep_model: bool, keep_checkpoint: bool = False) -> None:
        """Delete what an ended trial no longer needs: its checkpoint and its model, unless they are kept.

        Metrics, predictions and configurations always stay. A missing folder is not an error.
        """
        run = self.run(number)
        if self.remote is not None:
            kept = [*(run.model_files if keep_model else ()), *(run.checkpoints if keep_checkpoint else ())]
            names = {file.relative_to(run.path).as_posix() for file in kept}
            self.remote.fetch_run(number, names.__contains__)
        for file in (*run.disposable_files, run.path / WORKER_LOCK):
            if file not in run.checkpoints or not keep_checkpoint:
                _delete(file)
        if not keep_model:
            for file in run.model_files:
                _delete(file)
            for one in (run, *run.folds):
                with suppress(OSError):  # it contains other files, or does not exist
                    one.best_encoder.rmdir()
        if self.remote is not None and run.path.is_dir():
            self.remote.end_runs(number)


def _link(source: Path, target: Path) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # left by a driver that was killed here
        try:
            os.link(source, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, target)


def _delete(path: Path) -> None:
    """Delete a file if it exists. A failure is a warning, not a reason to stop a search."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        warnings.warn(f"cannot delete '{path}': {error.strerror or error}", stacklevel=2)
