"""Exponential moving average of the weights, used for scoring and for the final model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from core.config import RunConfig
from core.multitask import MultitaskBert
from core.progress import Progress
from core.techniques.technique import Technique

__all__ = ["WeightAverage"]


class WeightAverage(Technique):
    """a <- b a + (1 - b) w after every step, with b = min(decay, (1 + n) / (10 + n)) at step n.

    The smaller early b lets the average forget the random start of the heads (as in TensorFlow's
    ExponentialMovingAverage with num_updates).

    Args:
        decay: b in the long run, above 0 and below 1.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._average: dict[str, Tensor] = {}

    @classmethod
    def from_config(cls, config: RunConfig) -> WeightAverage | None:
        """None when the run does not average."""
        return None if config.optim.ema is None else cls(config.optim.ema)

    def prepare(self, model: MultitaskBert) -> None:
        """Start from the initial weights."""
        self._average = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """Move the average towards the new weights."""
        beta = min(self._decay, (1 + progress.step) / (10 + progress.step))
        parameters = dict(model.named_parameters())
        torch._foreach_lerp_(
            list(self._average.values()), [parameters[name].detach() for name in self._average], 1.0 - beta
        )

    @contextmanager
    def evaluation_weights(self, model: MultitaskBert) -> Iterator[None]:
        """The averaged weights; the trained ones are put back, whatever happens inside."""
        parameters = dict(model.named_parameters())
        trained = {name: parameters[name].data for name in self._average}
        try:
            for name, average in self._average.items():
                parameters[name].data = average
            yield
        finally:
            for name, weights in trained.items():
                parameters[name].data = weights

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights."""
        return dict(self._average)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy in place, onto the device of the prepared average."""
        for name, average in self._average.items():
            average.copy_(state[name])
