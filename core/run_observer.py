"""Who watches a training run, and may end it."""

from __future__ import annotations

from typing import Protocol

from core.pretraining.observer import NullStageObserver, StageObserver
from core.run.evaluation import Evaluation

__all__ = ["NullRunObserver", "RunObserver"]


class RunObserver(StageObserver, Protocol):
    """Called by the trainer from its own thread; slow answers slow the run down. Stages of pretraining come first."""

    def stepped(self, examples: int) -> bool:
        """After every optimiser step, before a rung that it reaches is scored.

        Args:
            examples: training examples seen.

        Returns:
            False to write a checkpoint and stop.
        """
        ...

    def evaluated(self, evaluation: Evaluation) -> bool:
        """After every rung, its checkpoint already written. False: the run is pruned and stops here."""
        ...


class NullRunObserver(NullStageObserver):
    """An observer that lets a run go to its end."""

    def stepped(self, examples: int) -> bool:  # noqa: ARG002
        """Go on."""
        return True

    def evaluated(self, evaluation: Evaluation) -> bool:  # noqa: ARG002
        """Go on."""
        return True
