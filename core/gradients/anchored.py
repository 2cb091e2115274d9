"""Gradient surgery against one task, the anchor."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from core.config import RunConfig
from core.gradients.task_gradients import EncoderGradient, TaskGradients, dot_products
from core.model.multitask import MultitaskBert

__all__ = ["AnchoredGradients"]


class AnchoredGradients:
    """The sum of the tasks' gradients, each without what conflicts with the last gradient of the anchor.

    g_i - (g_i . a / a . a) a where g_i . a < 0, over the shared encoder. a is the anchor's gradient of this update, or
    of the last update that had a batch of it; before the first one, gradients stay as they are. The anchor's own
    always does, and so do those of heads and learned loss weights. Unlike PCGrad this works with one task an update.

    Args:
        model: whose encoder is shared.
        anchor: the task that the others must not work against.
    """

    def __init__(self, model: MultitaskBert, anchor: str) -> None:
        self._gradients, self._anchor = TaskGradients(model), anchor
        self._device = next(model.parameters()).device
        self._last: EncoderGradient | None = None

    @classmethod
    def from_config(cls, config: RunConfig, model: MultitaskBert) -> AnchoredGradients:
        """With the anchor that the run names."""
        assert config.gradients.anchor is not None, "RunConfig refuses the rule without an anchor"
        return cls(model, config.gradients.anchor)

    def add(self, task: str, loss: Tensor) -> None:
        """Add to the task's gradient; several batches of a task in an update count as one."""
        self._gradients.add(task, loss)

    def combine(self, step: int) -> None:  # noqa: ARG002
        """Leave the sum in the encoder's ``grad`` and keep the anchor's gradient, if it gave one."""
        gradients = self._gradients.take()
        self._last = anchor = gradients.get(self._anchor, self._last)
        terms = [(1.0, gradient) for gradient in gradients.values()]
        others = [gradient for task, gradient in gradients.items() if task != self._anchor]
        if anchor is not None and others:
            norm, *products = dot_products([(anchor, anchor), *((other, anchor) for other in others)])
            conflict = sum(product for product in products if product < 0)
            terms.append((-conflict / norm if norm > 0 else 0.0, anchor))
        self._gradients.put(terms)

    def state_dict(self) -> dict[str, Any]:
        """The anchor's last gradient; as large as the encoder's weights."""
        return {"anchor": self._last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        saved: EncoderGradient | None = state["anchor"]
        if saved is not None:
            saved = [None if part is None else part.to(self._device) for part in saved]
        self._last = saved
