"""``onebert``: all commands under one name; ``python -m search`` is the same program."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from search.console.cli import PROGRAM, Program
from search.console.commands import LazyCommands

__all__ = ["app", "main"]

app = Program(cls=LazyCommands, invoke_without_command=True, rich_markup_mode="markdown")


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        except PackageNotFoundError:
            typer.echo(f"{PROGRAM}, not installed")
        raise typer.Exit


@app.callback()
def list_commands(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Search hyperparameters for fine-tuning one BERT on several sentence tasks.

    Run a command with --help for its options. Each is also a module: onebert run is python -m search.run.

    Examples:

        onebert run --study quickstart
        onebert report --study quickstart
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the console script.

    A console script finds modules in the environment only. The working directory comes last, so that study files can
    name classes there (``package.module:Class``), and none of the user's modules can shadow ours.
    """
    with suppress(FileNotFoundError):  # the folder has been deleted
        sys.path.append(str(Path.cwd()))
    app(prog_name=PROGRAM)


if __name__ == "__main__":
    app(prog_name="python -m search")
