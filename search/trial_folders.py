"""The folders that trials leave, and how much of them stays on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig
from core.evaluation import Evaluation

__all__ = ["CHECKPOINT", "CONFIG", "ERROR", "WORKER_LOCK", "TrialFolders"]

CHECKPOINT = "checkpoint.pt"
CONFIG = "config.json"
ERROR = "error.txt"
METRICS = "metrics.jsonl"
WORKER_LOCK = ".worker.lock"
BEST_MODELS = "best/*.safetensors"


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
        folder = self.path(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def read_metrics(self, number: int) -> list[Evaluation]:
        """The trial's evaluations so far, by rung."""
        file = self.path(number) / METRICS
        if not file.exists():
            return []
        return [Evaluation.from_json(line) for line in file.read_text(encoding="utf-8").splitlines()]

    def tidy(self, ended: Iterable[int], keep_models: Iterable[int]) -> None:
        """Delete what ended trials no longer need: checkpoints, and the models of all but ``keep_models``.

        Metrics, predictions and configurations always stay.
        """
        kept = set(keep_models)
        for number in ended:
            folder = self.path(number)
            (folder / CHECKPOINT).unlink(missing_ok=True)
            (folder / WORKER_LOCK).unlink(missing_ok=True)
            if number not in kept:
                for model in folder.glob(BEST_MODELS):
                    model.unlink()
