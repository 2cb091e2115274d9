"""Which parameters are trained."""

from __future__ import annotations

from torch import nn

from core.config import ModelConfig
from core.model.bert import Bert

__all__ = ["freeze", "parameter_counts"]


def freeze(bert: Bert, config: ModelConfig) -> None:
    """Let part of the encoder keep its weights: 'embeddings', the lowest layers with them, or 'encoder'.

    'encoder' has the pooler in it, also where a head pools through it. Frozen is always the lower end, so that the
    backward pass stops there: nothing is kept of the frozen layers' activations. Their dropout stays on in training.

    Args:
        bert: changed in place; what is frozen already stays so.
        config: ``freeze`` and ``freeze_layers``; the latter is at most the encoder's number of layers.
    """
    frozen: list[nn.Module] = []
    if config.freeze == "encoder":
        frozen = [bert]
    elif config.freeze == "embeddings" or config.freeze_layers:
        frozen = [bert.embeddings, *bert.layers[: config.freeze_layers]]
    for part in frozen:
        part.requires_grad_(False)


def parameter_counts(model: nn.Module) -> tuple[int, int]:
    """Numbers that are trained, and all numbers in the model, LoRA's among them (as peft's count)."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(size for size, trainable in sizes if trainable), sum(size for size, _ in sizes)
