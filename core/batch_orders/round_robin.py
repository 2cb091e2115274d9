"""The tasks in turn."""

from __future__ import annotations

from core.progress import Progress

__all__ = ["RoundRobin"]


class RoundRobin:
    """One batch of each task in turn, small tasks starting again when they run out.

    Args:
        tasks: in the order of their turns.
    """

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self._tasks = tasks

    def next(self, progress: Progress) -> tuple[str, ...]:
        """One task."""
        return (self._tasks[progress.step % len(self._tasks)],)
