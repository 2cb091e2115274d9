"""Let signals end a command that trains as Ctrl-C does, from its first line on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import ParamSpec

import typer

from search.console.failures import ExitCode, is_interrupt
from search.driver.stop_request import handled_signals, leave_terminal

__all__ = ["RESUME", "interruptible"]

P = ParamSpec("P")

RESUME = "interrupted; run the same command again to resume"


def interruptible(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that SIGINT, SIGTERM and SIGHUP end it with one line and exit code 130.

    This holds while it imports, reads data and starts workers. While it trains, the driver handles signals.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _raising():
                command(*args, **kwargs)
        except (KeyboardInterrupt, Exception) as error:
            if not is_interrupt(error):
                raise
            typer.echo(RESUME, err=True)
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    return run


@contextmanager
def _raising() -> Iterator[None]:
    """Raise KeyboardInterrupt at every signal that arrives in the block. Only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in handled_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    leave_terminal(number)
    raise KeyboardInterrupt
