"""The models of an exported folder, each of which predicts by itself: with torch, or with ONNX Runtime in int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import torch
from tokenizers import Tokenizer

from core.config import RunConfig
from core.model_files.model_folder import TrainedModel, load_model_folder, load_without_weights, saved_heads_digest
from core.onnx_scoring import OnnxGraph
from core.run.precision import check_precision
from core.scoring import predict_tasks
from core.statistics import at_temperature
from data.errors import UserError
from data.examples import Examples
from data.rows import RowLayout

__all__ = ["Member", "Precision", "load_member"]

Precision = Literal["float32", "bfloat16", "int8"]

_INT8: Final = "onnx-int8"  # the folder has the name of its format


class Member(Protocol):
    """A model that predicts; several threads may use it at the same time."""

    @property
    def config(self) -> RunConfig:
        """Return the run that the model is from."""

    def predict(self, tasks: Sequence[str], examples: list[tuple[str, ...]]) -> Mapping[str, np.ndarray]:
        """Return class probabilities (N, K), not calibrated, or scores (N,) of each task, in the examples' order.

        Args:
            tasks: at least one, all on single sentences or all on pairs.
            examples: the sentences of each; at least one example.
        """


def load_member(folder: Path, device: torch.device, precision: Precision | None) -> Member:
    """Load a model folder.

    Args:
        folder: of one model.
        device: to compute on; the CPU for int8.
        precision: of matrix products; None: that of the run.

    Raises:
        UserError: if the folder was not exported or is damaged, has no int8 form, or the device lacks the precision.
    """
    if precision == "int8":
        return _load_int8(folder)
    trained = load_model_folder(folder)
    trained.model.to(device)
    compute = trained.config.compute
    if precision is not None:
        compute = compute.model_copy(update={"precision": precision})
        check_precision(compute, device)
    return _TorchMember(trained, trained.config.model_copy(update={"compute": compute}), device)


@dataclass(frozen=True)
class _TorchMember:
    trained: TrainedModel  # in eval mode
    config: RunConfig
    device: torch.device

    def predict(self, tasks: Sequence[str], examples: list[tuple[str, ...]]) -> Mapping[str, np.ndarray]:
        trained = self.trained
        tokenised = Examples.from_sentences(self.config.tasks[tasks[0]].spec, examples, trained.tokenizer)
        return predict_tasks(trained.model, self.config, tokenised, tasks, trained.layout, self.device)


def _load_int8(folder: Path) -> _Int8Member:
    config, tokenizer = load_without_weights(folder)
    place = folder / _INT8
    if not place.is_dir():
        raise UserError(
            f"{folder}: the model has no int8 form; export it with --format {_INT8}, which says what int8 costs on dev"
        )
    graph = OnnxGraph(place, config, RowLayout.of(tokenizer, config.model.max_length))
    if graph.heads and graph.heads != saved_heads_digest(folder):
        raise UserError(f"{place}: of another model than that in '{folder}'; export the model again")
    return _Int8Member(config, tokenizer, graph)


@dataclass(frozen=True)
class _Int8Member:
    config: RunConfig
    tokenizer: Tokenizer
    graph: OnnxGraph

    def predict(self, tasks: Sequence[str], examples: list[tuple[str, ...]]) -> Mapping[str, np.ndarray]:
        tokenised = Examples.from_sentences(self.config.tasks[tasks[0]].spec, examples, self.tokenizer)
        found = self.graph.predict(tokenised, tasks)
        # 1 for scores. The graph gives no probability below 1e-30, so a temperature near 0 is not taken out exactly.
        inverse = {task: 1 / self.graph.temperature(task) for task in tasks}
        return {task: at_temperature(found[task], inverse[task]) for task in tasks}
