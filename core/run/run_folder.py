"""Lay out the artifact folder of a run, and write its files completely or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core.run.atomic_files import half_written_files, write_atomically, writing
from core.run.checksums import Checksums
from core.run.evaluation import Evaluation
from data.errors import MachineError, UserError

if TYPE_CHECKING:
    import numpy as np

    from core.config import RunConfig

__all__ = ["RunFolder"]

_OTHER_TRIAL = "restore it from a copy, or choose another trial"


class RunFolder:
    """Paths, readers and writers of one run's folder. It does not import torch, so a driver can use it too.

    Every writer creates missing folders, because they may be deleted at any time; leaves the old file or the new one,
    never part of one; and raises :class:`~data.errors.MachineError` if the disk refuses the write. Evaluations,
    predictions and the model have checksums, which every reader checks.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.encoder = path / "encoder.json"
        self.data = path / "data.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.pt"
        self.best_model = path / "best" / "model.safetensors"
        self.best_evaluation = path / "best" / "evaluation.json"
        self.best_encoder = path / "best" / "encoder"  # its shape and tokenizer, a folder
        self.checksums = Checksums(path)
        self._predictions = path / "predictions"

    def fold(self, number: int) -> RunFolder:
        """Return the folder of the model of one fold; see :mod:`core.fold_runs`."""
        return RunFolder(self.path / f"fold-{number}")

    @property
    def folds(self) -> list[RunFolder]:
        """Return the folders of the models of folds that are there, in the order of the folds."""
        numbers = (path.name.removeprefix("fold-") for path in self.path.glob("fold-*") if path.is_dir())
        return [self.fold(number) for number in sorted(int(number) for number in numbers if number.isdecimal())]

    @property
    def has_model(self) -> bool:
        """Return whether the model is there; in a run over folds, those of all folds after the last was trained."""
        if folds := self.folds:
            return self.best_evaluation.is_file() and all(fold.best_model.is_file() for fold in folds)
        return self.best_model.is_file()

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """Return where a checkpoint may be: the run's, and those of its folds."""
        return self.checkpoint, *(fold.checkpoint for fold in self.folds)

    @property
    def has_checkpoint(self) -> bool:
        """Return whether the run can continue from a checkpoint."""
        return any(path.is_file() for path in self.checkpoints)

    def make(self) -> None:
        """Create the folder and its subfolders where they are missing; delete what a killed run left half-written.

        Raises:
            MachineError: if the folder cannot be written to, or its checksums are damaged.
        """
        with writing(self.path):
            self.best_model.parent.mkdir(parents=True, exist_ok=True)
            self._predictions.mkdir(parents=True, exist_ok=True)
            for left in self._half_written:
                left.unlink(missing_ok=True)
        self.checksums.load()

    def write_config(self, config: RunConfig) -> None:
        """Write the RunConfig as readable JSON."""
        write_atomically(self.config, config.model_dump_json(indent=2).encode())

    def write_encoder(self, content: Mapping[str, str]) -> None:
        """Write what the run's encoder is, by content (:class:`core.model_files.encoder_content.EncoderContent`)."""
        write_atomically(self.encoder, (json.dumps(content, indent=2) + "\n").encode())

    def read_encoder(self) -> dict[str, str] | None:
        """Read what :meth:`write_encoder` wrote; None if there is nothing, as in runs of earlier versions.

        Raises:
            MachineError: if the file is damaged.
        """
        return _read_pin(self.encoder, {"tokenizer"}, "encoder")

    def write_data(self, content: Mapping[str, Any]) -> None:
        """Write what the run's data are, by content (:class:`core.inputs.data_content.DataContent`)."""
        write_atomically(self.data, (json.dumps(content, indent=2) + "\n").encode())

    def read_data(self) -> dict[str, Any] | None:
        """Read what :meth:`write_data` wrote; None if there is nothing, as in runs of earlier versions.

        Raises:
            MachineError: if the file is damaged.
        """
        return _read_pin(self.data, {"rows", "files"}, "data")

    def write_metrics(self, evaluations: list[Evaluation]) -> None:
        """Write all evaluations so far, one per line; the whole file, so that a resumed run repeats none."""
        self.checksums.write({self.metrics: "".join(e.to_json() + "\n" for e in evaluations).encode()})

    def read_metrics(self) -> list[Evaluation]:
        """Read the evaluations written so far; none if the run has not reached a rung.

        Raises:
            UserError: if the file is damaged.
        """
        try:
            content = self.metrics.read_bytes()
        except FileNotFoundError:
            return []
        self.checksums.check(self.metrics, "delete it to continue without this curve", content)
        try:
            return [Evaluation.from_json(line) for line in content.decode().splitlines()]
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # not JSON, or JSON of something else
            raise UserError(f"{self.metrics}: the file is damaged; delete it to continue without this curve") from error

    @property
    def disposable_files(self) -> tuple[Path, ...]:
        """Return the large files that an ended run no longer needs: its checkpoints, and half-written files."""
        return *self.checkpoints, *(file for one in (self, *self.folds) for file in one._half_written)

    @property
    def _half_written(self) -> tuple[Path, ...]:
        return *half_written_files(self.checkpoint), *half_written_files(self.best_model)

    @property
    def model_files(self) -> tuple[Path, ...]:
        """Return the best model's files: its weights, and its encoder's shape and tokenizer; of all folds, if any."""
        own = self.best_model, self.best_encoder / "config.json", self.best_encoder / "tokenizer.json"
        return *own, *(file for fold in self.folds for file in fold.model_files)

    def predictions(self, task: str, rung: int) -> Path:
        """Return the file of a task's dev predictions at a rung.

        It contains float32 class probabilities (N, K) or scores (N,), in dev order.
        """
        return self._predictions / f"{task}-dev-{rung}.npy"

    def write_predictions(self, rung: int, predictions: Mapping[str, np.ndarray]) -> None:
        """Write each task's predictions at a rung into the file that :meth:`predictions` names."""
        self.checksums.write({self.predictions(task, rung): _npy(of_task) for task, of_task in predictions.items()})

    def write_best(
        self, write_model: Callable[[BinaryIO], object], encoder: Mapping[str, bytes], evaluation: Evaluation
    ) -> None:
        """Write the best model so far and its evaluation.

        Args:
            write_model: writes the content of a safetensors file.
            encoder: the contents of the files with the encoder's shape and tokenizer, by name.
            evaluation: of this model.
        """
        kept = {self.best_encoder / name: content for name, content in encoder.items()}
        self.checksums.write_large(self.best_model, write_model)
        self.checksums.write({**kept, self.best_evaluation: evaluation.to_json().encode()})

    def write_best_evaluation(self, evaluation: Evaluation) -> None:
        """Write the evaluation of a run whose folds have kept their models."""
        self.checksums.write({self.best_evaluation: evaluation.to_json().encode()})

    def read_best_evaluation(self) -> Evaluation:
        """Read the evaluation of the best model.

        Raises:
            UserError: if it is missing or damaged.
        """
        path = self.best_evaluation
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
        self.checksums.check(path, _OTHER_TRIAL, content)
        try:
            return Evaluation.from_json(content.decode())
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{path}: the file is damaged; {_OTHER_TRIAL}") from error

    def check_best_model(self) -> None:
        """Check the files of the best model against their checksums.

        Raises:
            UserError: if one is damaged.
            OSError: if one is missing or cannot be read.
        """
        for path in self.model_files:
            self.checksums.check(path, _OTHER_TRIAL)


def _npy(values: np.ndarray) -> bytes:
    import numpy as np  # only here, so that programs that merely name a run's files start quickly

    content = io.BytesIO()  # np.save itself does not say why a write failed
    np.save(content, values)
    return content.getvalue()


def _read_pin(path: Path, keys: Set[str], what: str) -> dict[str, Any] | None:
    """Read the JSON object of what a run began with; None if there is no file.

    Args:
        path: the file.
        keys: of the object, at least.
        what: the file's subject, for the message.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        content = None
    if not isinstance(content, dict) or not content.keys() >= keys:
        raise MachineError(
            f"{path}: the file is damaged, so it is unknown which {what} the run began with; delete it to continue "
            f"with the present {what}"
        )
    return content
