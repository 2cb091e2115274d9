"""The contract between the trainer and whatever a technique adds to plain training.

A technique is a section or field of RunConfig, one file in this package, and one line in its ``__init__``. The
trainer calls every hook at its place and never asks which technique it is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert
from core.run.progress import Progress

__all__ = ["Technique"]


class Technique:
    """Hooks around the training step, in the order in which a run calls them; each does nothing by default."""

    def prepare(self, model: MultitaskBert) -> None:
        """Once, on the freshly built model on its device, before the optimiser is built and state is loaded."""

    def penalty(self, forward: ForwardPass) -> Tensor | None:  # noqa: ARG002
        """A term () added to the task's mean loss, before its weight; None where there is none for this task."""
        return None

    def before_update(self, model: MultitaskBert) -> None:
        """Every gradient of the step is complete; the weights are about to change."""

    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """The weights have changed; ``progress`` counts the step."""

    def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:  # noqa: ARG002
        """Within it the model has the weights that dev is scored with and the best checkpoint is made of."""
        return nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """All that the technique remembers (tensors and plain values), so that a resumed run goes on bit for bit."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`, after :meth:`prepare`."""
