"""Remove conflicts with the gradient of one task, the anchor."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from core.config import RunConfig
from core.gradients.task_gradients import EncoderGradient, TaskGradients, dot_products
from core.model.multitask import MultitaskBert

__all__ = ["AnchoredGradients"]


class AnchoredGradients:
    """The sum of the tasks' gradients, each without the component that conflicts with the anchor's last gradient.

    g_i - (g_i . a / a . a) a where g_i . a < 0, over the shared encoder. a is the anchor's gradient in this update, or
    in the last update that contained a batch of it; before the first one, gradients are not changed. The anchor's own
    gradient and those of heads and learned loss weights are never changed. Unlike PCGrad, this works with one task per
    update.

    Args:
        model: the model; its encoder is shared.
        anchor: the task that the others must not conflict with.
    """

    def __init__(self, model: MultitaskBert, anchor: str) -> None:
        self._gradients, self._anchor = TaskGradients(model), anchor
        self._device = next(model.parameters()).device
        self._last: EncoderGradient | None = None

    @classmethod
    def from_config(cls, config: RunConfig, model: MultitaskBert) -> AnchoredGradients:
        """Build the rule with the configured anchor."""
        assert config.gradients.anchor is not None, "RunConfig refuses the rule without an anchor"
        return cls(model, config.gradients.anchor)

    def add(self, task: str, loss: Tensor) -> None:
        """Add to the task's gradient; several batches of a task in an update are summed."""
        self._gradients.add(task, loss)

    def combine(self, step: int) -> None:  # noqa: ARG002
        """Write the sum to the encoder's ``grad``, and keep the anchor's gradient if there is one."""
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
        """Return the anchor's last gradient, which is as large as the encoder's weights."""
        return {"anchor": self._last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        saved: EncoderGradient | None = state["anchor"]
        if saved is not None:
            saved = [None if part is None else part.to(self._device) for part in saved]
        self._last = saved
