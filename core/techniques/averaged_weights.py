"""A running average of a model's trainable weights, which several techniques keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from core.model.multitask import MultitaskBert

__all__ = ["AveragedWeights"]


class AveragedWeights:
    """Starts as a copy of the weights. Frozen weights are left out: they are the model's own.

    Args:
        model: on its device, its weights frozen or not for good.

    Attributes:
        tensors: the average by parameter name.
    """

    def __init__(self, model: MultitaskBert) -> None:
        self.tensors = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def move(self, model: MultitaskBert, share: float) -> None:
        """a <- a + share (w - a), with share 0 to 1."""
        parameters = dict(model.named_parameters())
        torch._foreach_lerp_(list(self.tensors.values()), [parameters[name].detach() for name in self.tensors], share)

    @contextmanager
    def in_place(self, model: MultitaskBert) -> Iterator[None]:
        """Within it the model has the averaged weights; the trained ones are put back, whatever happens inside."""
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
        """Copy ``tensors`` of another such object in place, onto the device of this one."""
        for name, average in self.tensors.items():
            average.copy_(state[name])
