"""The folders that trials leave, and how much of them stays on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig
from core.run_folder import RunFolder

__all__ = ["ERROR", "WORKER_LOCK", "TrialFolders"]

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
        """An empty folder with the trial's ``config.json``; a left-over of the same name is deleted."""
        folder = self.path(number)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        self.write_config(number, config)
        return folder

    def write_config(self, number: int, config: RunConfig) -> None:
        """Write ``config.json``, in a folder that may be gone."""
        self.path(number).mkdir(parents=True, exist_ok=True)
        self.run(number).write_config(config)

    def tidy(self, ended: Iterable[int], keep_models: Iterable[int]) -> None:
        """Delete what ended trials no longer need: checkpoints, and the models of all but ``keep_models``.

        Metrics, predictions and configurations always stay.
        """
        kept = set(keep_models)
        for number in ended:
            run = self.run(number)
            run.checkpoint.unlink(missing_ok=True)
            (run.path / WORKER_LOCK).unlink(missing_ok=True)
            if number not in kept:
                run.best_model.unlink(missing_ok=True)
