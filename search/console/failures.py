"""End a command in one line on standard error and an exit code, whatever was raised."""

from __future__ import annotations

import os
import platform
import re
import select
import shlex
import sys
import tempfile
import traceback
from contextlib import suppress
from enum import IntEnum
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper, UnsupportedOperation
from pathlib import Path
from typing import TextIO

from data.errors import MachineError, UserError
from search.display.fault_text import fault_text, one_line, remedy

__all__ = ["ExitCode", "ending", "is_interrupt", "open_streams"]

_PASSWORD = re.compile(r"(://[^\s:/@'\"]*):[^\s@/'\"]+@")


class ExitCode(IntEnum):
    """Process exit codes."""

    DONE = 0
    FAILED = 1  # the study ran, and no trial finished; or onebert has a bug
    BAD_INPUT = 2  # also if an option is wrong, or the machine has a fault
    INTERRUPTED = 130  # by Ctrl-C or SIGTERM; running the same command again resumes


def open_streams() -> None:
    """Make the standard streams read and write UTF-8 whatever the locale, and open those that the caller closed.

    What UTF-8 cannot represent, such as a file name in another encoding, is written with backslashes.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
        if isinstance(stream := getattr(sys, name), TextIOWrapper):
            with suppress(UnsupportedOperation):  # it has been read from
                stream.reconfigure(encoding="utf-8", errors="strict" if mode == "r" else "backslashreplace")


def ending(error: BaseException, runs_dir: Path | None = None) -> tuple[str, ExitCode]:
    """Return the line and the exit code with which an exception ends a command; no line: it ends silently.

    An exception that is neither a mistake of the user nor a fault of the machine is a bug; its traceback is written to
    a new file in the runs folder, or else in the system's folder for temporary files.
    """
    if is_interrupt(error):
        return "", ExitCode.INTERRUPTED
    if isinstance(error, MachineError):
        return f"{error}{remedy(error.__cause__)}", ExitCode.BAD_INPUT
    if isinstance(error, UserError):
        return str(error), ExitCode.BAD_INPUT
    if isinstance(error, OSError) and error.filename is None and (refusal := _refused_output(error)) is not None:
        # The reader has had enough, as in `onebert ... | head`; programs in C are killed silently then.
        silent = isinstance(refusal, BrokenPipeError)
        reason = f"cannot write to standard output: {refusal.strerror or one_line(refusal)}"
        return ("", ExitCode.FAILED) if silent else (reason, ExitCode.BAD_INPUT)
    fault = fault_text(error)
    return (_bug_text(error, runs_dir), ExitCode.FAILED) if fault is None else (fault, ExitCode.BAD_INPUT)


def is_interrupt(error: BaseException) -> bool:
    """Return whether the error is a Ctrl-C, or what a library made of one that came while it was imported."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__
    return cause is not None


def _refused_output(error: OSError) -> OSError | None:
    """Return why standard output or error takes no more, and give up writing there; None if they are in order."""
    refusal = None
    for stream in (sys.stdout, sys.stderr):
        try:
            if isinstance(error, BrokenPipeError) and _has_no_reader(stream):
                raise error
            stream.flush()
        except OSError as refused:
            refusal = refused
            _mute(stream)
    return refusal


def _has_no_reader(stream: TextIO) -> bool:
    """Return whether a stream is a pipe whose other end is closed. What was not written may be lost, and not raise."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # a system without poll, or a stream without a file
        return False


def _mute(stream: TextIO) -> None:
    """Send the rest to nowhere: Python would complain about it at its exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _bug_text(error: BaseException, runs_dir: Path | None) -> str:
    what = f"{type(error).__name__}: {one_line(error)}"
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    trace = _write_trace(error, runs_dir)
    written = "its traceback cannot be written to a file" if trace is None else f"the traceback is in '{trace}'"
    return f"this is a bug in onebert, please report it with the command and the traceback: {what}{place}; {written}"


def _write_trace(error: BaseException, runs_dir: Path | None) -> Path | None:
    """Write the traceback to a new file that only the user can read, with passwords in URLs masked."""
    try:
        release = version("onebert")
    except PackageNotFoundError:
        release = "not installed"
    header = f"onebert {release}, Python {platform.python_version()}, {platform.platform()}\n{shlex.join(sys.argv)}\n\n"
    text = _PASSWORD.sub(r"\1:***@", header + "".join(traceback.format_exception(error)))
    for folder in (runs_dir, Path(tempfile.gettempdir())):
        if folder is not None and folder.is_dir():
            with suppress(OSError):
                handle, name = tempfile.mkstemp(prefix="onebert-error-", suffix=".txt", dir=folder)
                with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(text)
                return Path(name)
    return None
