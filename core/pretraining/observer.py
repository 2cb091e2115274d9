"""Who watches the stages, and may interrupt them."""

from __future__ import annotations

from typing import Protocol

__all__ = ["NullStageObserver", "PretrainingInterruptedError", "StageObserver"]


class PretrainingInterruptedError(Exception):
    """The observer said stop. What was trained is saved: the next call goes on from there."""


class StageObserver(Protocol):
    """Called from the training thread; slow answers slow the stage down."""

    def advanced(self, stage: str, examples: int) -> bool:
        """After every step of a stage.

        Args:
            stage: its name in ``pretraining``.
            examples: training examples of the stage seen.

        Returns:
            False to write a checkpoint and stop.
        """
        ...

    def waiting(self, stage: str) -> bool:
        """About every second while another process trains the stage. False to stop waiting."""
        ...


class NullStageObserver:
    """An observer that lets the stages go to their end."""

    def advanced(self, stage: str, examples: int) -> bool:  # noqa: ARG002
        """Go on."""
        return True

    def waiting(self, stage: str) -> bool:  # noqa: ARG002
        """Go on."""
        return True
