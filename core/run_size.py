"""Predict the size of the files that a run leaves from its shape alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config import RunConfig
from core.model.bert import BertConfig
from core.model.multitask import build_model
from core.techniques import make_techniques

__all__ = ["RunSize", "run_size"]


@dataclass(frozen=True)
class RunSize:
    """Bytes of tensors; the files contain some more: for BERT's vocabulary a quarter of a MB.

    Attributes:
        model: the weights of the best rung.
        checkpoint: the weights, AdamW's two moments of the trained ones, and the state of the techniques.
    """

    model: int
    checkpoint: int


def run_size(config: RunConfig, shape: BertConfig) -> RunSize:
    """Return the sizes of a run's model and checkpoint without allocating anything.

    Args:
        config: the run.
        shape: the shape of its encoder.
    """
    with torch.device("meta"):
        model = build_model(config, shape, None)
        techniques = make_techniques(config)
        for technique in techniques.values():
            technique.prepare(model)
    weights = _bytes(model.state_dict().values())
    trained = _bytes(p for p in model.parameters() if p.requires_grad)
    remembered = sum(_bytes(_tensors(technique.state_dict())) for technique in techniques.values())
    if config.gradients.rule == "anchored":  # the anchor's last gradient
        remembered += _bytes(p for p in model.encoders.parameters() if p.requires_grad)
    return RunSize(weights, weights + 2 * trained + remembered)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _tensors(state: object) -> Iterable[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, Mapping):
        for value in state.values():
            yield from _tensors(value)
