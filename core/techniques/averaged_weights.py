"""Keep a running average of a model's trainable weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from core.model.multitask import MultitaskBert

__all__ = ["AveragedWeights"]


class AveragedWeights:
    """A running average that starts as a copy of the trainable weights; frozen weights stay the model's own.

    Args:
        model: the model on its device; which weights are frozen must not change later.

    Attributes:
        tensors: the average by parameter name.
    """

    def __init__(self, model: MultitaskBert) -> None:
        self.tensors = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def move(self, model: MultitaskBert, share: float) -> None:
        """Move the average towards the weights: a <- a + share (w - a), with share 0 to 1."""
        parameters = dict(model.named_parameters())
        torch._foreach_lerp_(list(self.tensors.values()), [parameters[name].detach() for name in self.tensors], share)

    @contextmanager
    def in_place(self, model: MultitaskBert) -> Iterator[None]:
        """Give the model the averaged weights inside the context; the trained ones are always restored."""
        parameters = dict(model.named_parameters())
        trained = {name: parameters[name].data for name in self.tensors}
        try:
            for name, average in self.tensors.items():
                parameters[name].data = average
            yield
        finally:
            for name, weights in trained.items():
                parameters[name].data = weights

    def load(self, state: dict[str, Tensor]) -> None:
        """Copy the ``tensors`` of another average into this one, on this one's device."""
        for name, average in self.tensors.items():
            average.copy_(state[name])
