"""Who watches a training run, and may end it."""

from __future__ import annotations

from typing import Protocol

from core.evaluation import Evaluation

__all__ = ["RunObserver", "Unattended"]


class RunObserver(Protocol):
    """Called by the trainer from its own thread; slow answers slow the run down."""

    def advanced(self, stage: str, examples: int) -> bool:
        """After every step of a stage of further pretraining, which comes before the run's own.

        Args:
            stage: its name in ``pretraining``.
            examples: training examples of the stage seen.

        Returns:
            False to write a checkpoint and stop.
        """
        ...

    def waiting(self, stage: str) -> bool:
        """About every second while another process trains a stage. False to stop."""
        ...

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


class Unattended:
    """An observer that lets a run go to its end."""

    def advanced(self, stage: str, examples: int) -> bool:  # noqa: ARG002
        """Go on."""
        return True

    def waiting(self, stage: str) -> bool:  # noqa: ARG002
        """Go on."""
        return True

    def stepped(self, examples: int) -> bool:  # noqa: ARG002
        """Go on."""
        return True

    def evaluated(self, evaluation: Evaluation) -> bool:  # noqa: ARG002
        """Go on."""
        return True
