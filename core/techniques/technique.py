"""Define the interface between the trainer and a technique.

A technique is a section or field of RunConfig, one file in this package, and one line in its ``__init__``. The trainer
calls every hook at its place and never checks which technique it is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from torch import Tensor

from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert
from core.run.progress import Progress

__all__ = ["Technique"]


class Technique:
    """Hooks around the training step, in the order in which a run calls them; each does nothing by default.

    Attributes:
        reads_weights: whether a hook reads all weights after every update. If so, all rows of the word embeddings are
            updated in every step, and not only those in use.
    """

    reads_weights: ClassVar[bool] = False

    def prepare(self, model: MultitaskBert) -> None:
        """Prepare for the new model on its device; called once, before the optimiser is built and state is loaded."""

    def penalty(self, forward: ForwardPass) -> Tensor | None:  # noqa: ARG002
        """Return a term () to add to the task's mean loss before weighting, or None if this task has none."""
        return None

    def before_update(self, model: MultitaskBert) -> None:
        """Modify the step's gradients once they are complete, before the weights are updated."""

    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """Act on the new weights; ``progress`` includes the step."""

    def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which the model has the weights for scoring dev and for the best model."""
        return nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the technique (tensors and plain values), so that a resumed run continues bit for bit."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; called after :meth:`prepare`."""
