"""The README's study loads, and its commands have the options that it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from search.study.file import load_study

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = sorted(
    {line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if "python -m" in line}
)


@cache
def help_of(module: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_the_options_shown(command: str) -> None:
    words = shlex.split(command.split("<")[0])
    assert words[:2] == ["python", "-m"]
    text = help_of(words[2])
    for option in [word for word in words if word.startswith("--")]:
        assert re.search(rf"{option}\b", text), f"{words[2]} has no {option}"


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", README))))
def test_options_in_the_text_exist(option: str) -> None:
    assert option in help_of("search.run")


def test_the_users_study_loads(tmp_path: Path) -> None:
    (file,) = blocks("toml")
    path = tmp_path / "mood.toml"
    path.write_text(file)
    spec = load_study(path, data="my-data")
    assert list(spec.base.tasks) == ["mood", "para"]
    assert spec.base.tasks["mood"].spec.classes == ("sad", "neutral", "happy")
    assert [row.path for row in spec.space.describe()] == [
        "optim.learning_rate",
        "sampler.alpha",
        "loss.weights",
        "heads.mood.dropout",
    ]


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_layout_names_every_package_of_search() -> None:
    (row,) = re.findall(r"^\| `search/` \|.*$", README, flags=re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "search").glob("*/__init__.py")}
    commands = {path.parent.name for path in (ROOT / "search").glob("*/__main__.py")}
    assert packages - commands <= set(re.findall(r"`(\w+)`", row))
    for folder, names in re.findall(r"^\| `(core|data|search)/` \|([^\n]*)", README, flags=re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            assert (ROOT / folder / name).is_dir(), f"{folder}/{name}"
