"""How a training run can end."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["RunOutcome"]


class RunOutcome(StrEnum):
    """How a call of :func:`core.trainer.train` ended."""

    FINISHED = "finished"
    PRUNED = "pruned"
    INTERRUPTED = "interrupted"
