"""The artifact folder that a run leaves: what is where, and how it gets there whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from core.run.atomic_files import temporary_path, write_atomically, writing
from core.run.evaluation import Evaluation
from data.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from core.config import RunConfig

__all__ = ["RunFolder"]


class RunFolder:
    """Paths, readers and writers of one run's folder; without torch, so that a driver can use it too.

    Every writer makes what is missing of the folder, which may be deleted at any time, leaves the old file or the new
    one but no part of one, and raises :class:`~data.errors.MachineError` where the disk does not take it.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.pt"
        self.best_model = path / "best" / "model.safetensors"
        self.best_evaluation = path / "best" / "evaluation.json"
        self._predictions = path / "predictions"

    def make(self) -> None:
        """Make the folder and those in it, where they are missing."""
        with writing(self.path):
            self.best_model.parent.mkdir(parents=True, exist_ok=True)
            self._predictions.mkdir(parents=True, exist_ok=True)

    def write_config(self, config: RunConfig) -> None:
        """The RunConfig as readable JSON."""
        write_atomically(self.config, config.model_dump_json(indent=2).encode())

    def write_metrics(self, evaluations: list[Evaluation]) -> None:
        """All evaluations so far, a line each; rewritten whole so that a resumed run repeats none."""
        write_atomically(self.metrics, "".join(e.to_json() + "\n" for e in evaluations).encode())

    def read_metrics(self) -> list[Evaluation]:
        """The evaluations written so far; none where the run has not reached a rung.

        Raises:
            UserError: the file is damaged.
        """
        try:
            return [Evaluation.from_json(line) for line in self.metrics.read_text(encoding="utf-8").splitlines()]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # no JSON, or of something else
            raise UserError(f"{self.metrics}: is damaged; delete it to go on without this run's curve") from error

    @property
    def disposable_files(self) -> tuple[Path, ...]:
        """The large files that an ended run no longer needs: its checkpoint, and what a kill left half-written."""
        return self.checkpoint, temporary_path(self.checkpoint), temporary_path(self.best_model)

    def predictions(self, task: str, rung: int) -> Path:
        """Dev predictions of a task at a rung, float32: class probabilities (N, K) or scores (N,), in dev order."""
        return self._predictions / f"{task}-dev-{rung}.npy"

    def write_predictions(self, task: str, rung: int, predictions: np.ndarray) -> None:
        """Save what :meth:`predictions` names."""
        import numpy as np  # only here, so that programs that merely name a run's files start quickly

        content = io.BytesIO()  # np.save itself does not say why a disk takes no more
        np.save(content, predictions)
        write_atomically(self.predictions(task, rung), content.getvalue())

    def write_best(self, model: bytes, evaluation: Evaluation) -> None:
        """The best model so far as a safetensors file's content; ``best/evaluation.json`` says at which rung."""
        write_atomically(self.best_model, model)
        write_atomically(self.best_evaluation, evaluation.to_json().encode())
