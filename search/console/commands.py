"""The commands by name, and a typer group that imports only the one that is called."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from search.console.cli import make_app

__all__ = ["COMMANDS", "CommandEntry", "LazyCommands"]


@dataclass(frozen=True)
class CommandEntry:
    """A command, before it is imported.

    Attributes:
        name: ``run`` for the module ``search.run``, or the package of this name.
        summary: the first line of its help.
    """

    name: str
    summary: str

    def load(self) -> Any:
        """Import the command and return it as a click command."""
        found = importlib.import_module(f"search.{self.name}")
        if not hasattr(found, "main"):
            found = importlib.import_module(f"search.{self.name}.__main__")
        return typer.main.get_command(make_app(found.main))


COMMANDS = {
    entry.name: entry
    for entry in (
        CommandEntry("run", "Search for the best configuration of a study."),
        CommandEntry("report", "Write what a study has found so far, as a page, Markdown and CSV."),
        CommandEntry("export", "Write the best trial's predictions and its model."),
        CommandEntry("predict", "Predict for sentences read from standard input, one per line."),
        CommandEntry("score", "Score test predictions where you have the labels."),
        CommandEntry("compare", "Compare two trials: scores, settings and changed predictions."),
        CommandEntry("finalists", "Train a study's best configurations again over fresh seeds."),
        CommandEntry("ablate", "Train the winner again with each of its techniques off in turn."),
        CommandEntry("ensemble", "Average the predictions, or the weights, of several trials."),
        CommandEntry("pareto", "Plot the overall score of trials against their cost."),
        CommandEntry("clean", "List files that are no longer needed, and delete them."),
        CommandEntry("doctor", "Check everything that a study needs."),
        CommandEntry("dashboard", "Show studies live in the browser."),
        CommandEntry("augment", "Request rephrasings of training examples from a language model."),
    )
}
"""Commands by name, in the order of the help."""


class LazyCommands(TyperGroup):
    """The group of all :data:`COMMANDS`; listing them imports none."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Return what stands for a command in lists: its name and summary."""
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else TyperCommand(cmd_name, help=entry.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command that the arguments name, to run it or to complete its options."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, COMMANDS[name].load() if name in COMMANDS else command, rest
