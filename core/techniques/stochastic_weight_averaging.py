"""Average the weights evenly over the last part of a run (SWA, Izmailov et al. 2018, arXiv:1803.05407, section 3.2)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from core.config import RunConfig
from core.model.multitask import MultitaskBert
from core.run.progress import Progress
from core.techniques.averaged_weights import AveragedWeights
from core.techniques.technique import Technique

__all__ = ["StochasticWeightAveraging"]


class StochasticWeightAveraging(Technique):
    """Stochastic weight averaging: a <- a + (w - a) / n after the n-th update past the start, an unweighted mean.

    Dev is scored with the average once there is one. The paper averages once per epoch at a constant or cyclical rate;
    here it is every update, because a short run may not have a whole epoch. Use a learning rate that does not fall to
    0, for example ``optim.schedule = "constant"``; otherwise the last weights hardly differ. (BERT has no batch
    statistics to update.)

    Args:
        start: share of the run after which averaging begins, 0 to below 1.
    """

    reads_weights: ClassVar[bool] = True

    def __init__(self, start: float) -> None:
        self._start = start
        self._count = 0

    @classmethod
    def from_config(cls, config: RunConfig) -> StochasticWeightAveraging | None:
        """Build the technique, or return None if the run does not average."""
        return None if config.swa.start is None else cls(config.swa.start)

    def prepare(self, model: MultitaskBert) -> None:
        """Allocate the average."""
        self._average = AveragedWeights(model)

    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """Add the new weights to the average."""
        if progress.fraction > self._start:
            self._count += 1
            self._average.move(model, 1.0 / self._count)

    def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:
        """Use the average, or the trained weights as long as there is none."""
        return self._average.in_place(model) if self._count else nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """Return the average and the number of averaged weights."""
        return {"count": self._count, "average": dict(self._average.tensors)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._count = state["count"]
        self._average.load(state["average"])
