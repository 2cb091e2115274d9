"""What every command shares: how it ends, how it reports errors, and the options that several commands have.

Loads nothing slow: a command imports Optuna, torch and the like inside its ``main``, after it has checked what the user
typed, so that ``--help`` and simple mistakes are answered at once.
"""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, ParamSpec

import typer
from typer.core import TyperCommand

from data.errors import UserError
from data.tables.hub_sets import is_hub_name
from search.console.failures import ExitCode, ending, open_streams
from search.console.signals import ctrl_c_after_imports
from search.storage.runs_url import parse_runs_dir, url_of
from search.trials.folders import RUNS
from search.trials.remote_study import push_studies

if TYPE_CHECKING:
    from search.study.spec import StudySpec

__all__ = [
    "PROGRAM",
    "RUNS",
    "DataDir",
    "ExecutorKind",
    "ExecutorName",
    "ExitCode",
    "Gpus",
    "Json",
    "MovedDataDir",
    "MovedEncoders",
    "OneLineCommand",
    "OtherDevice",
    "PlanOnly",
    "Program",
    "Quiet",
    "RayAddress",
    "RayGpus",
    "RayMemory",
    "Restart",
    "RunThreads",
    "RunsAtOnce",
    "RunsDir",
    "StorageUrl",
    "StudyFile",
    "StudyName",
    "WorkersPerGpu",
    "check_data_folder",
    "check_data_folder_of",
    "confirm",
    "end_with",
    "end_with_usage",
    "entry_point",
    "location_options",
    "make_app",
]

P = ParamSpec("P")

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")

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
MovedEncoders = Annotated[
    list[str] | None, typer.Option(help="Folder of an encoder that has moved since the search; repeatable.")
]
OtherDevice = Annotated[
    Literal["auto", "cpu", "cuda", "mps"] | None,
    typer.Option(help="Device to compute on; by default the one that trained the model."),
]
StorageUrl = Annotated[
    str | None,
    typer.Option(help="URL of a database; by default the SQLite file studies.db in the runs folder."),
]
RunsDir = Annotated[
    Path,
    typer.Option(
        parser=parse_runs_dir, metavar="PATH", help="Folder that contains the results of all studies, or an s3:// URL."
    ),
]
RunsAtOnce = Annotated[int, typer.Option(min=1, max=1024, help="Number of runs to train at the same time.")]
Gpus = Annotated[str | None, typer.Option(help="Train on these GPUs, one worker on each: all, or numbers such as 0,1.")]
WorkersPerGpu = Annotated[
    int | None, typer.Option(min=1, max=64, help="Number of runs to train on each GPU at the same time.")
]
ExecutorKind = Literal["local", "ray"]
ExecutorName = Annotated[ExecutorKind, typer.Option("--executor", help="Train on this machine, or on a Ray cluster.")]
RayAddress = Annotated[
    str | None, typer.Option(help="Head of the Ray cluster; by default RAY_ADDRESS, or the one of this machine.")
]
RayGpus = Annotated[
    float | None, typer.Option(min=0.0, help="GPUs of each worker in the cluster; a fraction if workers share one.")
]
RayMemory = Annotated[float | None, typer.Option(min=0.0, help="Memory to reserve for each worker, in GiB.")]
RunThreads = Annotated[
    int | None, typer.Option(min=1, max=1024, help="CPU threads of each run; by default as in the search.")
]
PlanOnly = Annotated[bool, typer.Option("--dry-run", help="Print what would be trained, and train nothing.")]
Restart = Annotated[
    bool, typer.Option("--restart", help="Move the recorded study of this name aside, and begin again.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only the result and warnings.")]
Json = Annotated[
    bool, typer.Option("--json", help="Write one JSON object per event to standard output, all else to standard error.")
]


def entry_point(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a typer command so that whatever goes wrong ends in one line on stderr and an exit code, not in a traceback.

    See :func:`search.console.failures.ending`.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        open_streams()
        warnings.showwarning = _warn_in_one_line
        try:
            with _saved_at_url(kwargs.get("runs_dir")):
                command(*args, **kwargs)
            sys.stdout.flush()  # here, where a closed pipe or a full disk can still be reported
        except typer.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            runs_dir = kwargs.get("runs_dir")
            end_with(*ending(error, runs_dir if isinstance(runs_dir, Path) else None))

    return run


@contextmanager
def _saved_at_url(runs_dir: object) -> Iterator[None]:
    """Save what a command has written into a runs folder that is a copy, however it ends."""
    is_copy = isinstance(runs_dir, Path) and url_of(runs_dir) is not None
    try:
        yield
    finally:
        if is_copy:
            push_studies()


class OneLineCommand(TyperCommand):
    """A command whose usage errors are one line too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; a mistake ends the command.

        No name or path of ours has a line break, and a message that quotes one would not be one line.
        """
        if odd := next((word for word in args if _CONTROL.search(word)), None):
            end_with(f"the argument {odd!r} has a line break or another control character")
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            end_with_usage(error)


class Program(typer.Typer):
    """A typer program whose standard streams are UTF-8, and which never ends in a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program, and exit."""
        open_streams()
        try:
            with ctrl_c_after_imports():
                return super().__call__(*args, **kwargs)
        except (Exception, KeyboardInterrupt) as error:  # not of a command, which entry_point has wrapped
            text, code = ending(error)
            if text:
                typer.secho(f"error: {text}", fg=typer.colors.RED, err=True)
            sys.exit(code)


def make_app(command: Callable[..., None]) -> Program:
    """Return the program that consists of one command."""
    app = Program(add_completion=False, rich_markup_mode="markdown")
    app.command(cls=OneLineCommand)(command)
    return app


def end_with_usage(error: typer.TyperException) -> NoReturn:
    """End the command because its command line is wrong."""
    text = " ".join(error.format_message().split()).rstrip(".")
    end_with(f"{text[:1].lower()}{text[1:]}; see --help")


def end_with(error: Exception | str, code: ExitCode = ExitCode.BAD_INPUT) -> NoReturn:
    """Print an error in one line, unless it is empty, and end the command."""
    if str(error):
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
    typer.echo(f"warning: {' '.join(str(message).split())}", err=True)


def check_data_folder(data: Path | None) -> None:
    """Refuse a ``--data`` folder that does not exist; a data set of the Hub is looked for when it is read.

    Raises:
        UserError: there is no such folder.
    """
    if data is not None and not data.is_dir() and not is_hub_name(data):
        here = "" if data.is_absolute() else f"; you are in '{Path.cwd()}'"
        raise UserError(f"no data folder '{data}'; --data names the folder with the tasks' files{here}")


def check_data_folder_of(spec: StudySpec) -> None:
    """Refuse a study that reads files of a folder which does not exist.

    Raises:
        UserError: there is no such folder.
    """
    names = (name for task in spec.base.tasks.values() for name in task.spec.files.model_dump().values() if name)
    if spec.synthetic is None and not all(map(is_hub_name, names)):
        check_data_folder(Path(spec.base.data.directory))


def location_options(runs_dir: Path, storage: str | None) -> str:
    """Return the options that say where studies are, as text to append to a command; empty for the defaults."""
    text = "" if runs_dir == RUNS else f" --runs-dir {shlex.quote(url_of(runs_dir) or str(runs_dir))}"
    return text + (f" --storage {_quoted(storage)}" if storage else "")


def _quoted(url: str) -> str:
    return shlex.quote(url) if "'" in url else f"'{url}'"
