"""The contract of a batch order."""

from __future__ import annotations

from typing import Protocol

from core.progress import Progress

__all__ = ["BatchOrder"]


class BatchOrder(Protocol):
    """A pure function of the run's position: it remembers nothing, so there is nothing to save."""

    def next(self, progress: Progress) -> tuple[str, ...]:
        """The tasks that give a batch each to the coming step."""
        ...
