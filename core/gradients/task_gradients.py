"""The gradients that the tasks of an update give the shared encoder, kept apart until a rule puts them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from core.model.multitask import MultitaskBert

__all__ = ["EncoderGradient", "TaskGradients", "dot_products"]

# One entry for each trainable parameter of the encoder, always in the same order, each of the parameter's shape.
# None is a gradient of zeros: of the pooler, say, where a task does not use it.
EncoderGradient: TypeAlias = Sequence[Tensor | None]


class TaskGradients:
    """Collects an update's gradients of the encoder by task; what belongs to one task is left to autograd.

    Heads and learned loss weights gather their plain gradients in ``grad`` as ever. In memory is one copy of the
    encoder's gradients for every task of the update.

    Args:
        model: on its device, with what is frozen frozen and LoRA's parameters in place.
    """

    def __init__(self, model: MultitaskBert) -> None:
        self._encoder = [parameter for parameter in model.encoders.parameters() if parameter.requires_grad]
        self._tasks: dict[str, list[Tensor | None]] = {}

    def add(self, task: str, loss: Tensor) -> None:
        """Add the gradient of a loss () to the task's; the graph is freed."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it
        gradient = self._tasks.setdefault(task, [None] * len(self._encoder))
        for place, parameter in enumerate(self._encoder):
            new, parameter.grad = parameter.grad, None
            if new is not None:
                earlier = gradient[place]
                gradient[place] = new if earlier is None else earlier.add_(new)

    def take(self) -> dict[str, EncoderGradient]:
        """The gradient of every task that gave a batch, in the order of their first batches; then forgotten."""
        taken: dict[str, EncoderGradient] = dict(self._tasks)
        self._tasks = {}
        return taken

    def put(self, terms: Iterable[tuple[float, EncoderGradient]]) -> None:
        """Leave sum_k c_k g_k in the encoder's ``grad``, in tensors of its own: clipping changes them in place.

        Where no g_k with c_k other than 0 has an entry, ``grad`` stays None and AdamW leaves the parameter alone, as
        it does without a rule.
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
    """g . h over all parameters together for every pair.

    Each parameter's part is a float32 sum and the parts are added up in float64. The device is waited for once.
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
    together = torch.stack(parts).cpu().double()  # first to the CPU: not every device knows float64
    return [part.sum().item() for part in torch.split(together, counts)]
