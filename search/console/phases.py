"""Show a study that is trained in several phases, one after the other, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

from search.console.state import StudyState
from search.driver.events import Event, Observer, StudyEnded, StudyStarted

__all__ = ["StudyPhases"]


class StudyPhases:
    """Observer of all phases; a context manager, which closes the displays.

    The displays see one start of the study, with all trials that are to come, and one end, when the last phase has
    ended or the study was interrupted.

    Args:
        show: opens the displays, given the state that they share.

    Attributes:
        state: what is known about the study.
    """

    def __init__(self, show: Callable[[StudyState], AbstractContextManager[Sequence[Observer]]]) -> None:
        self.state = StudyState()
        self._show = show
        self._stack = ExitStack()
        self._observers: Sequence[Observer] | None = None
        self._has_started = False
        self._later = 0

    def __enter__(self) -> StudyPhases:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def begin(self, later: int) -> None:
        """Show the next phase.

        Args:
            later: number of trials in the phases after it; 0 for the last phase.
        """
        self._later = later
        if self._observers is None:  # only now: what is printed before the first phase must not go into a live display
            self._observers = self._stack.enter_context(self._show(self.state))

    def __call__(self, event: Event) -> None:
        """Pass an event on, unless it is only the start or the end of a phase."""
        assert self._observers is not None, "a phase has begun"
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
