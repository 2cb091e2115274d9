"""What a form of another library needs to know of one task of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from core.config import HeadConfig
from core.model.bert import Bert
from core.model.heads import TaskHead
from core.model_files.model_folder import ENCODERS, MEMBERS, TrainedModel
from core.model_files.safetensors_writer import write_safetensors
from core.run.checksums import Checksums
from data.tasks import TaskSpec
from data.tokenizer import tokenizer_files

__all__ = ["TaskModel", "json_file", "linear_layers", "write_weights"]

_TAKEN: Final = (ENCODERS, MEMBERS, "onnx")
_PYTORCH: Final = {"format": "pt"}  # transformers refuses a file that does not say which framework wrote it


@dataclass(frozen=True)
class TaskModel:
    """One task of a trained model.

    Attributes:
        trained: the model.
        task: name of the task.
        temperature: what logits of classes are divided by, above 0, so that probabilities are calibrated; 1 for scores.
    """

    trained: TrainedModel
    task: str
    temperature: float = 1.0

    @property
    def spec(self) -> TaskSpec:
        """Return the task's description."""
        return self.trained.config.tasks[self.task].spec

    @property
    def config(self) -> HeadConfig:
        """Return the settings of the task's head."""
        return self.trained.config.heads[self.task]

    @property
    def head(self) -> TaskHead:
        """Return the task's head."""
        head = self.trained.model.heads[self.task]
        assert isinstance(head, TaskHead)
        return head

    @property
    def encoder(self) -> Bert:
        """Return the task's encoder; LoRA's updates are not merged."""
        return self.trained.model.encoder(self.task)

    @property
    def max_length(self) -> int:
        """Return the tokens of the longest row that the model was trained on."""
        return self.trained.config.model.max_length

    def why_in_no_library(self) -> str | None:
        """Say why no library's model is the encoder or the predictions of this task; None if one may be."""
        kind = self.trained.config.task_layers.kind
        if self.task in _TAKEN:
            return f"a model folder has a folder '{self.task}' of its own; give the task another name"
        if kind != "none":
            what = "adapters" if kind == "adapter" else "projected attention layers"
            return f"its encoder has {what} in every layer (task_layers.kind = '{kind}'), which BERT does not have"
        if self.config.pair_order == "both":
            return "its predictions are means over both orders of a pair (pair_order = 'both')"
        return None

    def tokenizer_files(self) -> dict[str, bytes]:
        """Return the files of the tokenizer: name -> content."""
        return tokenizer_files(self.trained.tokenizer, self.max_length)

    def encoder_config(self) -> dict[str, Any]:
        """Return the entries of a ``config.json`` for the plain encoder."""
        return self.encoder.config.to_dict()


def linear_layers(layers: nn.Sequential) -> list[nn.Linear]:
    """Return the linear layers of an MLP, the first to be computed first."""
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def write_weights(checksums: Checksums, path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a ``model.safetensors`` as PyTorch's, and record its checksum."""
    checksums.write_large(path, lambda file: write_safetensors(file, tensors, _PYTORCH))


def json_file(content: object) -> bytes:
    """Return the content of a JSON file."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
