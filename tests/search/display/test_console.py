"""Text that is not ours is printed as it is: nothing in it is markup or an emoji."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from predicting_executor import PredictingExecutor
from rich.console import Console
from typer.testing import CliRunner, Result

from search.__main__ import app
from search.display.console import make_console, working
from tests.search.odd_names import ODD_DESCRIPTION, ODD_RUNS, write_odd_study

Run = Callable[..., Result]


def test_a_console_changes_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("[bold]x[/] [/] :smile: 'a' 1", style="bold", soft_wrap=True)
    assert capsys.readouterr().out == "[bold]x[/] [/] :smile: 'a' 1\n"


def test_every_console_is_made_here_and_nothing_parses_markup() -> None:
    root = Path(__file__).parents[3] / "search"
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path != root / "display" / "console.py":
            assert not re.search(r"\bConsole\(", text), path
        assert "from_markup" not in text, path
        for column in re.findall(r"TextColumn\(.*", text):
            assert "markup=False" in column, path
        for status in re.findall(r"\.status\((.*)\):", text):
            is_plain = re.fullmatch(r'f?"[\w ,]+(\{chosen\.number\})?"|Text\(text\)', status)
            assert is_plain, "a status is parsed as markup"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a command on the odd study, in its folder; the study has been searched without real training."""
    root = tmp_path_factory.mktemp("odd")
    write_odd_study(root)

    def run(name: str, *options: str) -> Result:
        return CliRunner(env={"COLUMNS": "80"}).invoke(app, [name, *options, "--runs-dir", ODD_RUNS])

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr("search.console.executor_choice.LocalExecutor", lambda *_, **__: PredictingExecutor())
        yield run


def paths_in(text: str) -> list[Path]:
    return [Path(path) for path in re.findall(rf"{re.escape(ODD_RUNS)}/[^\n:]+", text)]


def test_a_plan(run: Run) -> None:
    planned = run("run", "--study", "odd.toml", "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert f"study odd  {ODD_DESCRIPTION}\n" in planned.stdout
    assert not Path(ODD_RUNS).exists()


def test_all_commands(run: Run) -> None:
    searched = run("run", "--study", "odd.toml")
    assert searched.exit_code == 0, searched.output
    assert ODD_DESCRIPTION in searched.stdout
    assert f"report --study odd --runs-dir '{ODD_RUNS}'" in searched.stdout
    commands = {
        "report": ("--study", "odd"),
        "compare": ("odd:0", "odd:1"),
        "pareto": ("--study", "odd"),
        "clean": (),
    }
    for name, options in commands.items():
        ended = run(name, *options)
        assert ended.exit_code == 0, ended.output
        named = paths_in(ended.output)
        assert named or name in ("compare", "clean"), ended.output
        assert all(path.exists() for path in named), ended.output
    for name, *options in (("export",), ("ensemble", "--trials", "0,1")):
        ended = run(name, "--study", "odd", *options)
        assert (ended.exit_code, ended.exception.__class__) in ((0, type(None)), (2, SystemExit)), ended.output
        assert paths_in(ended.output)  # if only of the stub's weights, which are none
    files = run("run", "--study", "odd.toml")
    assert paths_in(files.stdout)
    assert all(path.exists() for path in paths_in(files.stdout))


@pytest.mark.parametrize(
    ("options", "is_shown"),
    [
        ({"force_terminal": True, "force_interactive": True}, True),
        ({"force_terminal": True, "force_interactive": True, "quiet": True}, False),
        ({}, False),
    ],
)
def test_a_spinner_is_for_terminals(options: dict[str, Any], is_shown: bool) -> None:
    console = Console(file=StringIO(), **options)
    with working(console, "reading [data]"):
        pass
    assert isinstance(console.file, StringIO)
    assert ("reading [data]" in console.file.getvalue()) == is_shown
    assert is_shown or console.file.getvalue() == ""
