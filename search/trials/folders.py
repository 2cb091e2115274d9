"""Manage the folders of trials, and how much of them stays on disk."""

from __future__ import annotations

import os
import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.run.atomic_files import writing
from core.run.evaluation import Evaluation
from core.run.joined_evaluation import mean_curve
from core.run.run_folder import RunFolder
from data.errors import UserError
from search.trials.folder_owner import FolderOwner, write_owner

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

    def tidy(self, number: int, *, keep_model: bool, keep_checkpoint: bool = False) -> None:
        """Delete what an ended trial no longer needs: its checkpoint and its model, unless they are kept.

        Metrics, predictions and configurations always stay. A missing folder is not an error.
        """
        run = self.run(number)
        for file in (*run.disposable_files, run.path / WORKER_LOCK):
            if file not in run.checkpoints or not keep_checkpoint:
                _delete(file)
        if not keep_model:
            for file in run.model_files:
                _delete(file)
            for one in (run, *run.folds):
                with suppress(OSError):  # it contains other files, or does not exist
                    one.best_encoder.rmdir()


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
