"""What every command shares: how it ends, how it reports errors, and the options that several commands have.

Loads nothing slow: a command imports Optuna, torch and the like inside its ``main``, after it has checked what the user
typed, so that ``--help`` and simple mistakes are answered at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Literal, NoReturn, ParamSpec

import typer

from core.run.atomic_files import DISK_FAULTS
from data.errors import UserError
from search.trials.folders import RUNS

__all__ = [
    "PROGRAM",
    "RUNS",
    "DataDir",
    "ExitCode",
    "Json",
    "MovedDataDir",
    "OtherDevice",
    "PlanOnly",
    "Quiet",
    "RunThreads",
    "RunsAtOnce",
    "RunsDir",
    "StorageUrl",
    "StudyFile",
    "StudyName",
    "check_data_folder",
    "confirm",
    "end_with",
    "entry_point",
    "location_options",
    "make_app",
]

P = ParamSpec("P")

PROGRAM = "onebert"
"""Name of the console script."""

StudyFile = Annotated[
    str,
    typer.Option(
        help="Name of a study (studies/NAME.toml, or one that comes with onebert), or path of its .toml file."
    ),
]
StudyName = Annotated[str, typer.Option(help="Name of the recorded study.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder with the tasks' files; by default the one that the study file names.")
]
MovedDataDir = Annotated[
    Path | None, typer.Option(help="Folder with the tasks' files, if they have moved since the search.")
]
OtherDevice = Annotated[
    Literal["auto", "cpu", "cuda", "mps"] | None,
    typer.Option(help="Device to compute on; by default the one that trained the model."),
]
StorageUrl = Annotated[
    str | None,
    typer.Option(help="URL of a database; by default the SQLite file studies.db in the runs folder."),
]
RunsDir = Annotated[Path, typer.Option(help="Folder that contains the results of all studies.")]
RunsAtOnce = Annotated[int, typer.Option(min=1, help="Number of runs to train at the same time.")]
RunThreads = Annotated[int | None, typer.Option(min=1, help="CPU threads of each run; by default as in the search.")]
PlanOnly = Annotated[bool, typer.Option("--dry-run", help="Print what would be trained, and train nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only the result and warnings.")]
Json = Annotated[
    bool, typer.Option("--json", help="Write one JSON object per event to standard output, all else to standard error.")
]


class ExitCode(IntEnum):
    """Process exit codes."""

    DONE = 0
    FAILED = 1  # the study ran, and no trial finished
    BAD_INPUT = 2  # also what typer ends with when an option is wrong
    INTERRUPTED = 130  # by Ctrl-C or SIGTERM; running the same command again resumes


def entry_point(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a typer command so that bad input ends in one line on stderr and exit code 2, never in a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        warnings.showwarning = _warn_in_one_line
        try:
            command(*args, **kwargs)
        except UserError as error:
            end_with(error)
        except OSError as error:
            if error.errno not in DISK_FAULTS:
                raise
            end_with(error)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    return run


def make_app(command: Callable[..., None]) -> typer.Typer:
    """Return the program that consists of one command."""
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.command()(command)
    return app


def end_with(error: Exception, code: ExitCode = ExitCode.BAD_INPUT) -> NoReturn:
    """Print an error in one line, and end the command."""
    typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
    raise typer.Exit(code) from None


def confirm(question: str) -> bool:
    """Ask a question that is answered with yes or no; Ctrl-C ends the command as everywhere else."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        raise KeyboardInterrupt from None


def _warn_in_one_line(message: Warning | str, *_place: object, **_more: object) -> None:
    """Print the text of a warning, without the line of code that raised it."""
    typer.echo(f"warning: {message}", err=True)


def check_data_folder(data: Path | None) -> None:
    """Refuse a ``--data`` folder that does not exist.

    Raises:
        UserError: there is no such folder.
    """
    if data is not None and not data.is_dir():
        raise UserError(f"no data folder '{data}'; --data names the folder with the tasks' files")


def location_options(runs_dir: Path, storage: str | None) -> str:
    """Return the options that say where studies are, as text to append to a command; empty for the defaults."""
    text = "" if runs_dir == RUNS else f" --runs-dir {runs_dir}"
    return text + (f" --storage '{storage}'" if storage else "")
