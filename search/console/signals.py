"""Let signals end a command that trains as Ctrl-C does, from its first line on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import ParamSpec

import typer

from search.console.failures import ExitCode, is_interrupt
from search.driver.stop_request import handled_signals, leave_terminal

__all__ = ["RESUME", "ctrl_c_after_imports", "interruptible", "signals_as_ctrl_c"]

P = ParamSpec("P")

RESUME = "interrupted; run the same command again to resume"
_LATER = 0.02  # seconds until a signal that came during an import is sent again


def interruptible(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that SIGINT, SIGTERM and SIGHUP end it with one line and exit code 130.

    This holds while it imports, reads data and starts workers. While it trains, the driver handles signals.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with signals_as_ctrl_c():
                command(*args, **kwargs)
        except (KeyboardInterrupt, Exception) as error:
            if not is_interrupt(error):
                raise
            typer.echo(RESUME, err=True)
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    return run


@contextmanager
def signals_as_ctrl_c() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM and SIGHUP too, so that half-written files are removed."""
    with _raising(handled_signals()):
        yield


@contextmanager
def ctrl_c_after_imports() -> Iterator[None]:
    """Raise the KeyboardInterrupt of Ctrl-C, unless it is ignored, after the import that it comes in."""
    is_raised = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with _raising((signal.SIGINT,) if is_raised else ()):
        yield


@contextmanager
def _raising(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """Raise KeyboardInterrupt at every such signal that arrives in the block, after the import if it is importing.

    Only the main thread can handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    leave_terminal(number)
    if _is_importing(frame):
        # The start of an extension module cannot bear it: NumPy makes another error of it, and PyTorch aborts.
        again = threading.Timer(_LATER, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
        return
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
