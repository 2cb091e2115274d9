"""Keep an exponential moving average of the weights for scoring and for the final model."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ClassVar

from core.config import RunConfig
from core.model.multitask import MultitaskBert
from core.run.progress import Progress
from core.techniques.averaged_weights import AveragedWeights
from core.techniques.technique import Technique

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage(Technique):
    """Moving average a <- b a + (1 - b) w after every step, with b = min(decay, (1 + n) / (10 + n)) at step n.

    The smaller b of early steps lets the average forget the random initial heads (as in TensorFlow's
    ExponentialMovingAverage with num_updates).

    Args:
        decay: b in the long run, above 0 and below 1.
    """

    reads_weights: ClassVar[bool] = True

    def __init__(self, decay: float) -> None:
        self._decay = decay

    @classmethod
    def from_config(cls, config: RunConfig) -> ExponentialMovingAverage | None:
        """Build the technique, or return None if the run does not average."""
        return None if config.optim.ema is None else cls(config.optim.ema)

    def prepare(self, model: MultitaskBert) -> None:
        """Start from the initial weights."""
        self._average = AveragedWeights(model)

    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """Move the average towards the new weights."""
        beta = min(self._decay, (1 + progress.step) / (10 + progress.step))
        self._average.move(model, 1.0 - beta)

    def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:
        """Use the averaged weights."""
        return self._average.in_place(model)

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights."""
        return dict(self._average.tensors)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._average.load(state)
