"""The folders that trials leave, and how much of them stays on disk."""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.run.atomic_files import writing
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from data.errors import UserError

if TYPE_CHECKING:
    from core.config import RunConfig

__all__ = ["ERROR", "RUNS", "WORKER_LOCK", "TrialFolders"]

RUNS = Path("runs")
"""Holds the studies' folders unless the user says otherwise."""

ERROR = "error.txt"
WORKER_LOCK = ".worker.lock"


@dataclass(frozen=True)
class TrialFolders:
    """The trial folders of one study.

    Attributes:
        root: the study's folder, ``runs/<study>``.
    """

    root: Path

    def path(self, number: int) -> Path:
        """``trial-0007`` for 7; more digits from trial 10000 on."""
        return self.root / f"trial-{number:04d}"

    def run(self, number: int) -> RunFolder:
        """What the trial's run left in its folder."""
        return RunFolder(self.path(number))

    def begin(self, number: int, config: RunConfig) -> Path:
        """An empty folder with the trial's ``config.json``; a left-over of the same name is deleted.

        Raises:
            MachineError: the disk does not take it.
        """
        folder = self.path(number)
        with writing(folder):
            if folder.exists():
                shutil.rmtree(folder)
        self.write_config(number, config)
        return folder

    def write_config(self, number: int, config: RunConfig) -> None:
        """Write ``config.json``, in a folder that may be gone; raises as :meth:`begin`."""
        self.run(number).write_config(config)

    def curve(self, number: int) -> list[Evaluation]:
        """The evaluations that the trial left, for people to look at; none where they are lost."""
        try:
            return self.run(number).read_metrics()
        except UserError as error:
            warnings.warn(str(error), stacklevel=2)
            return []

    def repeat(self, number: int, original: int) -> None:
        """Give a trial the metrics and predictions of another one, as far as they are there, and no model.

        They are hard links where the file system has them: these files are only ever replaced, never written to.

        Raises:
            UserError: the disk is full, or the folder does not take them.
        """
        source, target = self.run(original), self.run(number)
        for path in (source.metrics, source.best_evaluation, *source.path.glob("predictions/*.npy")):
            if path.is_file():
                _link(path, target.path / path.relative_to(source.path))

    def tidy(self, number: int, *, keep_model: bool) -> None:
        """Delete what an ended trial no longer needs: its checkpoint, and the model unless it is kept.

        Metrics, predictions and configurations always stay. A folder that is gone is no mistake.
        """
        run = self.run(number)
        for file in (*run.disposable_files, run.path / WORKER_LOCK):
            _delete(file)
        if not keep_model:
            _delete(run.best_model)


def _link(source: Path, target: Path) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # of a driver that was killed half-way
        try:
            os.link(source, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, target)


def _delete(path: Path) -> None:
    """Without a word where there is nothing; that it cannot be deleted is no reason to end a search."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        warnings.warn(f"cannot delete '{path}': {error.strerror or error}", stacklevel=2)
