"""Collect the gradients of the shared encoder by task, until a rule combines them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from core.model.multitask import MultitaskBert

__all__ = ["EncoderGradient", "TaskGradients", "dot_products"]

# One entry per trainable parameter of the encoder, always in the same order, with the parameter's shape.
# None is a zero gradient, for example of the pooler if a task does not use it.
EncoderGradient: TypeAlias = Sequence[Tensor | None]


class TaskGradients:
    """An update's gradients of the encoder by task; parameters of a single task are left to autograd.

    Heads and learned loss weights accumulate their plain gradients in ``grad`` as usual. One copy of the encoder's
    gradients per task of the update is in memory.

    Args:
        model: the model on its device, already frozen and with LoRA's parameters in place.
    """

    def __init__(self, model: MultitaskBert) -> None:
        self._encoder = [parameter for parameter in model.encoders.parameters() if parameter.requires_grad]
        self._tasks: dict[str, list[Tensor | None]] = {}

    def add(self, task: str, loss: Tensor) -> None:
        """Add the gradient of a loss () to the task's gradient; the graph is freed."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it
        gradient = self._tasks.setdefault(task, [None] * len(self._encoder))
        for place, parameter in enumerate(self._encoder):
            new, parameter.grad = parameter.grad, None
            if new is not None:
                earlier = gradient[place]
                gradient[place] = new if earlier is None else earlier.add_(new)

    def take(self) -> dict[str, EncoderGradient]:
        """Return the gradients by task, in the order of the tasks' first batches, and forget them."""
        taken: dict[str, EncoderGradient] = dict(self._tasks)
        self._tasks = {}
        return taken

    def put(self, terms: Iterable[tuple[float, EncoderGradient]]) -> None:
        """Write sum_k c_k g_k to the encoder's ``grad``, in new tensors, because clipping changes them in place.

        If no g_k with c_k != 0 has an entry, ``grad`` stays None and AdamW ignores the parameter, as it does without a
        rule.
        """
        present = [(factor, gradient) for factor, gradient in terms if factor != 0]
        for place, parameter in enumerate(self._encoder):
            for factor, gradient in present:
                part = gradient[place]
                if part is None:
                    continue
                if parameter.grad is None:
                    parameter.grad = part * factor
                else:
                    parameter.grad.add_(part, alpha=factor)


def dot_products(pairs: Sequence[tuple[EncoderGradient, EncoderGradient]]) -> list[float]:
    """Return g . h over all parameters for every pair.

    Each parameter's part is summed in float32, and the parts are added in float64. The device is synchronised once.
    """
    if not pairs:
        return []
    counts: list[int] = []
    parts: list[Tensor] = []
    for first, second in pairs:
        products = [
            torch.dot(g.flatten(), h.flatten())
            for g, h in zip(first, second, strict=True)
            if g is not None and h is not None
        ]
        counts.append(len(products))
        parts += products
    if not parts:
        return [0.0] * len(pairs)
    together = torch.stack(parts).cpu().double()  # to the CPU first: not every device supports float64
    return [part.sum().item() for part in torch.split(together, counts)]
