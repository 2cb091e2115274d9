"""Express how far a run has come as a fraction of its planned examples, as schedules see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Progress"]


@dataclass(frozen=True)
class Progress:
    """Position of a run.

    Attributes:
        step: optimiser steps taken.
        examples: training examples seen.
        planned: training examples of a full run.
        epochs: virtual epochs that the planned examples are divided into. Schedules by epoch count these, so that
            annealing and tapering happen inside a short trial too.
    """

    step: int
    examples: int
    planned: int
    epochs: int

    @property
    def fraction(self) -> float:
        """Return the share of the planned examples seen, 0 to 1."""
        return min(self.examples / self.planned, 1.0)

    @property
    def epoch(self) -> int:
        """Return the current virtual epoch, 0 to epochs - 1."""
        return min(self.examples * self.epochs // self.planned, self.epochs - 1)

    def after(self, examples: int) -> Progress:
        """Return the position one step of this many examples later."""
        return Progress(self.step + 1, self.examples + examples, self.planned, self.epochs)

    def at_turn(self, turn: int, turns: int, examples: int) -> Progress:
        """Return the position of one of the turns that an update accumulates, as batch orders see it.

        Args:
            turn: 0 to turns - 1.
            turns: turns of the batch order in an update.
            examples: examples seen in the update's earlier turns.
        """
        return replace(self, step=self.step * turns + turn, examples=self.examples + examples)
