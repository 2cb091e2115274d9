"""Stochastic weight averaging (SWA, Izmailov et al. 2018, arXiv:1803.05407, section 3.2)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from core.config import RunConfig
from core.model.multitask import MultitaskBert
from core.run.progress import Progress
from core.techniques.averaged_weights import AveragedWeights
from core.techniques.technique import Technique

__all__ = ["StochasticWeightAveraging"]


class StochasticWeightAveraging(Technique):
    """a <- a + (w - a) / n after the n-th update past the start: every one of these weights counts alike.

    Dev is scored with the average once there is one. The paper averages once an epoch at a constant or cyclical rate;
    here it is every update, as an epoch is no unit of a short run. It wants a rate that does not fall to 0, for example
    ``optim.schedule = "constant"``: else the last weights hardly differ. (BERT has no batch statistics to renew.)

    Args:
        start: share of the run that is over when averaging begins, 0 to below 1.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._count = 0

    @classmethod
    def from_config(cls, config: RunConfig) -> StochasticWeightAveraging | None:
        """None when the run does not average."""
        return None if config.swa.start is None else cls(config.swa.start)

    def prepare(self, model: MultitaskBert) -> None:
        """Make room for the average."""
        self._average = AveragedWeights(model)

    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """Take the new weights into the average."""
        if progress.fraction > self._start:
            self._count += 1
            self._average.move(model, 1.0 / self._count)

    def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:
        """The average; before there is one, the trained weights."""
        return self._average.in_place(model) if self._count else nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """The average, and how many weights it is of."""
        return {"count": self._count, "average": dict(self._average.tensors)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        self._count = state["count"]
        self._average.load(state["average"])
