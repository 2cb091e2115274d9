"""The commands by name, and a typer group that imports only the one that is called."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from search.console.cli import end_with_usage, make_app

__all__ = ["COMMANDS", "LazyCommands", "load_command"]


COMMANDS = {
    "init": "Propose a study for your data files, and write its file.",
    "run": "Search for the best configuration of a study.",
    "report": "Write what a study has found so far, as a page, Markdown and CSV.",
    "export": "Write the best trial's predictions and its model.",
    "predict": "Predict for the rows of a file, or the lines of standard input.",
    "score": "Score test predictions where you have the labels.",
    "push": "Upload an exported model to the Hugging Face Hub.",
    "compare": "Compare two trials: scores, settings and changed predictions.",
    "finalists": "Train a study's best configurations again over fresh seeds.",
    "ablate": "Train the winner again with each of its techniques off in turn.",
    "ensemble": "Average the predictions, or the weights, of several trials.",
    "pareto": "Plot the overall score of trials against their cost.",
    "clean": "List files that are no longer needed, and delete them.",
    "doctor": "Check everything that a study needs.",
    "audit": "Look at a study's data, and list rows that deserve a look.",
    "dashboard": "Show studies live in the browser.",
    "augment": "Request rephrasings of training examples from a language model.",
}
"""The commands in the order of the help, each with the first line of its own help."""


def load_command(name: str) -> Any:
    """Import a command, from the module ``search.NAME`` or the package, and return it as a click command."""
    found = importlib.import_module(f"search.{name}")
    if not hasattr(found, "main"):
        found = importlib.import_module(f"search.{name}.__main__")
    return typer.main.get_command(make_app(found.main))


class LazyCommands(TyperGroup):
    """The group of all :data:`COMMANDS`; listing them imports none."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Return what stands for a command in lists: its name and summary."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options before the command; a mistake ends the program in one line."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            end_with_usage(error)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command that the arguments name, to run it or to complete its options."""
        try:
            name, command, rest = super().resolve_command(ctx, args)
        except typer.TyperException as error:
            end_with_usage(error)
        return name, load_command(name) if name in COMMANDS else command, rest
