"""The table of commands."""

from __future__ import annotations

from pathlib import Path

from search.console.commands import COMMANDS

SEARCH = Path(__file__).resolve().parents[3] / "search"


def test_every_command_is_in_the_table() -> None:
    modules = {path.stem for path in SEARCH.glob("[!_]*.py")} | {
        path.parent.name for path in SEARCH.glob("*/__main__.py")
    }
    assert modules == set(COMMANDS)


def test_a_summary_fits_a_terminal_and_begins_with_a_verb() -> None:
    for summary in COMMANDS.values():
        assert len(summary) <= 65, "with the name and a frame, a line of 80 columns"
        assert summary.endswith(".")
