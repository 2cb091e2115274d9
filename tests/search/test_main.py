"""``onebert``: all commands under one name, each equal to its module."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from fresh_process import Ended, run_modules

from search.console.commands import COMMANDS, load_command

WRONG = {
    "init": ("nowhere.csv",),
    "predict": ("--model-dir", "nowhere", "--task", "sst"),
    "compare": ("x:0", "x:1"),
    "dashboard": ("--port", "99999"),
    "score": ("--labels", "."),
}


def body(ended: Ended) -> str:
    """Return help without the line that names the program."""
    return re.sub(r"Usage: .*", "", ended.out)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_equals_its_module(name: str, tmp_path: Path) -> None:
    module, wrong = f"search.{name}", WRONG.get(name, ("--study", "unheard-of"))
    ended, _ = run_modules(
        (module, "--help"), ("search", name, "--help"), (module, *wrong), ("search", name, *wrong), folder=tmp_path
    )
    assert [one.code for one in ended] == [0, 0, 2, 2]
    assert body(ended[0]) == body(ended[1])
    assert len(re.findall(rf"^  onebert {name}\b", ended[0].out, re.MULTILINE)) in (1, 2), "one or two examples"
    assert ended[2].err.splitlines()[-1] == ended[3].err.splitlines()[-1]


def test_without_a_command_all_are_listed(tmp_path: Path) -> None:
    (alone, helped, unknown, told), _ = run_modules(
        ("search",), ("search", "--help"), ("search", "rnu"), ("search", "--version"), folder=tmp_path
    )
    assert (alone.code, helped.code, unknown.code) == (0, 0, 2)
    assert alone.out.strip() == helped.out.strip()
    for name, summary in COMMANDS.items():
        assert re.search(rf"│ {name} +{re.escape(summary)} +│", alone.out)
    for option in ("--version", "--install-completion", "--show-completion"):
        assert option in alone.out
    assert unknown.err == "error: no such command 'rnu'; see --help\n"
    assert told.out == f"onebert {version('onebert')}\n"


def test_the_summaries_are_the_first_lines_of_the_help() -> None:
    for name, summary in COMMANDS.items():
        assert load_command(name).help.startswith(f"{summary}\n"), name


Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def onebert(tmp_path: Path) -> Script:
    """Run the console script in a folder, as pip's wrapper does: without that folder on ``sys.path``."""

    def run(*arguments: str, folder: Path = tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; sys.argv[0] = 'onebert'; from search.__main__ import main; main()"
        return subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            cwd=folder,
            env={"COLUMNS": "120", "PATH": "", "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_options_are_completed(onebert: Script) -> None:
    def completed(words: str) -> str:
        return onebert(_ONEBERT_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))).stdout

    assert completed("onebert fin").split() == ["finalists"]
    assert completed("onebert run --warm-start-").split() == ["--warm-start-trials"]


@pytest.mark.slow
def test_the_users_own_modules_are_found_last(onebert: Script, tiny_study: str, tmp_path: Path) -> None:
    """Driver and workers import our modules, not the user's, and a study can name a class."""
    (tmp_path / "core").mkdir()
    for shadow in ("data.py", "search.py", "core/__init__.py", "studies.py"):
        (tmp_path / shadow).write_text("raise RuntimeError('the user\\'s own module')\n")
    sampler = "from optuna.samplers import RandomSampler\n\nclass Mine(RandomSampler):\n    pass\n"
    (tmp_path / "sampling.py").write_text(sampler)
    study = 'sampler = "sampling:Mine"\n' + tiny_study.replace("trials = 4", "trials = 2")
    (tmp_path / "mine.toml").write_text(study)
    done = onebert("run", "--study", "mine.toml")
    assert done.returncode == 0, done.stderr
    assert "sampler sampling:Mine" in " ".join(done.stdout.split())
    assert "study mine: 2 finished" in done.stdout
    assert "onebert report --study mine" in done.stdout
