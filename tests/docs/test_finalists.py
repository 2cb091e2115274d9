"""``docs/finalists.md`` names the options that the command has."""

from __future__ import annotations

import re

import typer

from search.finalists import __main__ as finalists
from tests.docs.pages import text


def test_options_of_finalists_are_those_there_are() -> None:
    command = typer.Typer(add_completion=False)
    command.command()(finalists.main)
    options = {option for param in typer.main.get_command(command).params for option in param.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", text("finalists.md"))) == options
