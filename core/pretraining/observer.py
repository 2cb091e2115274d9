"""Observe the stages, and interrupt them if necessary."""

from __future__ import annotations

from typing import Protocol

__all__ = ["NullStageObserver", "PretrainingInterruptedError", "StageObserver"]


class PretrainingInterruptedError(Exception):
    """The observer stopped the stages. What was trained is saved, and the next call resumes from there."""


class StageObserver(Protocol):
    """Callbacks from the training thread; slow callbacks slow the stage down."""

    def advanced(self, stage: str, examples: int) -> bool:
        """Return whether to continue; called after every step of a stage.

        Args:
            stage: name of the stage in ``pretraining``.
            examples: training examples of the stage seen so far.

        Returns:
            False to write a checkpoint and stop.
        """
        ...

    def waiting(self, stage: str) -> bool:
        """Return whether to keep waiting; called about every second while another process trains the stage."""
        ...


class NullStageObserver:
    """An observer that never stops a stage."""

    def advanced(self, stage: str, examples: int) -> bool:  # noqa: ARG002
        """Continue."""
        return True

    def waiting(self, stage: str) -> bool:  # noqa: ARG002
        """Continue."""
        return True
