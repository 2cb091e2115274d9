"""``docs/ensembles.md`` names the options that the commands have."""

from __future__ import annotations

import re
from typing import Any

import typer

from search.ensemble import __main__ as ensemble
from search.export import __main__ as export
from search.predict import __main__ as predict
from search.score import __main__ as score
from tests.docs.pages import text


def test_options_of_ensembles_are_those_there_are() -> None:
    def options_of(main: Any) -> set[str]:
        command = typer.Typer(add_completion=False)
        command.command()(main)
        return {option for param in typer.main.get_command(command).params for option in param.opts}

    options = options_of(ensemble.main)
    named = set(re.findall(r"--[a-z][a-z-]+", text("ensembles.md")))
    assert named <= options | options_of(export.main) | options_of(predict.main) | options_of(score.main)
    everywhere = {"--data", "--device", "--storage", "--runs-dir"}
    assert options - named == everywhere
