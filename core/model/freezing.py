"""Choose which parameters are trained."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from core.config import ModelConfig
from core.model.bert import Bert
from core.model.self_attention import SelfAttention

__all__ = ["freeze", "frozen_parts", "parameter_counts", "remove_dropout"]


def freeze(bert: Bert, config: ModelConfig) -> None:
    """Freeze part of the encoder: the embeddings, the embeddings and the lowest layers, or all of it.

    ``freeze = 'encoder'`` includes the pooler, even if a head pools through it. The frozen part is always the lower
    end, so that the backward pass stops there and the frozen layers' activations are not kept. Their dropout stays on
    in training unless :func:`remove_dropout` is used.

    Args:
        bert: changed in place; parameters that are already frozen stay frozen.
        config: ``freeze`` and ``freeze_layers``; the latter is at most the encoder's number of layers.
    """
    frozen: list[nn.Module] = []
    if config.freeze == "encoder":
        frozen = [bert]
    elif config.freeze == "embeddings" or config.freeze_layers:
        frozen = [bert.embeddings, *bert.layers[: config.freeze_layers]]
    for part in frozen:
        part.requires_grad_(False)


def frozen_parts(bert: Bert) -> list[nn.Module]:
    """Return the embeddings and the layers below the lowest trained layer; nothing if the embeddings are trained.

    A layer is trained if anything in it is: its own weights, low-rank updates, adapters.
    """
    parts: list[nn.Module] = []
    for part in (bert.embeddings, *bert.layers):
        if any(parameter.requires_grad for parameter in part.parameters()):
            break
        parts.append(part)
    return parts


def remove_dropout(parts: Iterable[nn.Module]) -> None:
    """Make parts of an encoder return the same in training as in evaluation."""
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            elif isinstance(module, SelfAttention):
                module.dropout_prob = 0.0


def parameter_counts(model: nn.Module) -> tuple[int, int]:
    """Return the number of trainable parameters and of all parameters, including LoRA's (like peft)."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(size for size, trainable in sizes if trainable), sum(size for size, _ in sizes)
