"""Observe a training run, and stop it if necessary."""

from __future__ import annotations

from typing import Protocol

from core.pretraining.observer import NullStageObserver, StageObserver
from core.run.evaluation import Evaluation

__all__ = ["NullRunObserver", "RunObserver"]


class RunObserver(StageObserver, Protocol):
    """Callbacks that the trainer makes from its own thread; slow callbacks slow the run down.

    Those of the pretraining stages come first.
    """

    def stepped(self, examples: int) -> bool:
        """Return whether to continue; called after every optimiser step, before a rung that it reaches is scored.

        Args:
            examples: training examples seen.

        Returns:
            False to write a checkpoint and stop.
        """
        ...

    def evaluated(self, evaluation: Evaluation) -> bool:
        """Return whether to continue; called after every rung, when its checkpoint has been written.

        Returns:
            False to prune the run: it stops here.
        """
        ...


class NullRunObserver(NullStageObserver):
    """An observer that never stops a run."""

    def stepped(self, examples: int) -> bool:  # noqa: ARG002
        """Continue."""
        return True

    def evaluated(self, evaluation: Evaluation) -> bool:  # noqa: ARG002
        """Continue."""
        return True
