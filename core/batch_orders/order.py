"""The contract of a batch order."""

from __future__ import annotations

from abc import ABC, abstractmethod

from core.run.progress import Progress

__all__ = ["BatchOrder"]


class BatchOrder(ABC):
    """A pure function of the run's position: nothing is remembered, so nothing is saved.

    ``progress.step`` counts turns, of which an update takes ``optim.accumulate``; ``progress.examples`` counts the
    training examples of all turns before.
    """

    @abstractmethod
    def next(self, progress: Progress) -> tuple[str, ...]:
        """The tasks that give a batch each to the coming turn, at least one."""

    def restarts(self, progress: Progress) -> bool:  # noqa: ARG002
        """Whether every task begins a new shuffled pass over its examples with the coming turn.

        False by default: every task goes on until its examples run out, and then starts again by itself.
        """
        return False
