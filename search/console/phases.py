"""A study that is trained in several calls, one after the other, shown as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from types import TracebackType

from search.console.state import StudyState
from search.driver.events import Event, Observer, StudyEnded, StudyStarted

__all__ = ["Rounds"]


class Rounds:
    """An observer of all rounds; a context manager, which closes what shows them.

    Who watches is told once that the study begins, with all trials that are to come, and once that it is over, or was
    interrupted.

    Args:
        show: opens the observers, given the state that they share.

    Attributes:
        state: what is known of the study.
    """

    def __init__(self, show: Callable[[StudyState], AbstractContextManager[Sequence[Observer]]]) -> None:
        self.state = StudyState()
        self._show = show
        self._stack = ExitStack()
        self._observers: Sequence[Observer] | None = None
        self._has_started = False
        self._later = 0

    def __enter__(self) -> Rounds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def begin(self, later: int) -> None:
        """Show the next round.

        Args:
            later: trials of the rounds that come after it; 0: it is the last.
        """
        self._later = later
        if self._observers is None:  # not before: what is printed ahead of the first round is no part of a live display
            self._observers = self._stack.enter_context(self._show(self.state))

    def __call__(self, event: Event) -> None:
        """Pass an event on, unless it is only the beginning or the end of a round."""
        assert self._observers is not None, "a round has begun"
        match event:
            case StudyStarted():
                if self._has_started:
                    return
                self._has_started = True
                if event.trials is not None:
                    event = replace(event, trials=event.trials + self._later)
            case StudyEnded(finished=True) if self._later:
                return
        for observer in self._observers:
            observer(event)
