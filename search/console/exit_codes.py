"""How our programs end, for scripts that call them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import ParamSpec, TextIO

import typer

from core.run.atomic_files import DISK_FAULTS
from data.errors import UserError

__all__ = ["ExitCode", "entry_point", "warn_in_one_line"]

P = ParamSpec("P")


class ExitCode(IntEnum):
    """Process exit codes."""

    DONE = 0
    FAILED = 1  # the study ran, and no trial finished
    BAD_INPUT = 2  # also what typer ends with when an option is wrong
    INTERRUPTED = 130  # by Ctrl-C or SIGTERM; the same command resumes


def entry_point(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a typer command: bad input ends in one line on stderr and exit code 2, never in a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        warnings.showwarning = warn_in_one_line
        try:
            command(*args, **kwargs)
        except UserError as error:
            typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
            raise typer.Exit(ExitCode.BAD_INPUT) from None
        except OSError as error:
            if error.errno not in DISK_FAULTS:
                raise
            typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
            raise typer.Exit(ExitCode.BAD_INPUT) from None
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    return run


def warn_in_one_line(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Show a warning to a person: its text, not the line of code that raised it."""
    print(f"warning: {message}", file=file or sys.stderr)  # stderr is the place for it
