"""Define the interface of a batch order."""

from __future__ import annotations

from abc import ABC, abstractmethod

from core.run.progress import Progress

__all__ = ["BatchOrder"]


class BatchOrder(ABC):
    """A pure function of the run's position, with no state to save.

    ``progress.step`` counts turns, and an update takes ``optim.accumulate`` turns; ``progress.examples`` counts the
    training examples of all earlier turns.
    """

    @abstractmethod
    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return the tasks that give a batch each to the next turn, at least one."""

    def restarts(self, progress: Progress) -> bool:  # noqa: ARG002
        """Return whether every task starts a new shuffled pass over its examples with the next turn.

        False by default: every task continues until its examples run out, and then restarts by itself.
        """
        return False
