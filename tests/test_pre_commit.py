"""``.pre-commit-config.yaml`` is well formed, needs no network, and its hooks pass on the tree."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
REPOS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
HOOKS: dict[str, dict[str, Any]] = {hook["id"]: hook for repo in REPOS for hook in repo["hooks"]}
COMMANDS = [name for name, hook in HOOKS.items() if hook["language"] == "system"]
PATTERNS = [name for name, hook in HOOKS.items() if hook["language"] == "pygrep"]
TEXT = {".css", ".ini", ".jinja", ".js", ".md", ".py", ".toml", ".txt", ".yaml"}


def text_files() -> list[Path]:
    folders = ("core", "data", "docs", "search", "studies", "tests", ".ci")
    inside = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files = [path for path in [*ROOT.iterdir(), *inside] if path.suffix in TEXT or path.name in ("Makefile", "run")]
    return [path for path in files if path.is_file()]


def complains(hook: dict[str, Any], content: str) -> bool:
    """Return whether pre-commit's pygrep would refuse the file."""
    options = hook.get("args", [])
    if "--multiline" in options:
        found = re.search(hook["entry"], content, re.MULTILINE | re.DOTALL) is not None
    else:
        found = any(re.search(hook["entry"], line) for line in content.splitlines())
    return found != ("--negate" in options)


def test_no_hook_is_downloaded() -> None:
    assert [repo["repo"] for repo in REPOS] == ["local"]
    assert {hook["language"] for hook in HOOKS.values()} == {"system", "pygrep"}
    assert set(COMMANDS) == {"ruff-check", "ruff-format", "mypy", "lint-imports"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "mypy"])  # which takes a minute: make check
def test_commands_pass_on_the_tree(name: str) -> None:
    """Hooks that change files are run so that they only look."""
    program, *words = shlex.split(HOOKS[name]["entry"])
    words = [word for word in words if word != "--fix"] + (["--check"] if name == "ruff-format" else [])
    paths = [] if HOOKS[name].get("pass_filenames") is False else ["."]
    command = [str(Path(sys.executable).parent / program), *words, *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_pass_on_the_tree(name: str) -> None:
    files = text_files()
    assert len(files) > 400
    refused = [path for path in files if complains(HOOKS[name], path.read_text("utf-8"))]
    assert not refused


def test_patterns_find_what_they_are_for() -> None:
    spaces, ends = HOOKS["trailing-whitespace"], HOOKS["end-of-file"]
    assert complains(spaces, "a line \nanother\n")
    assert not complains(spaces, "  a line\n")
    assert complains(ends, "no newline")
    assert complains(ends, "one too many\n\n")
    assert not complains(ends, "two\nlines\n")
    assert not complains(ends, "")


@pytest.mark.parametrize("package", ["core", "data", "search"])
def test_types_are_published(package: str) -> None:
    assert (ROOT / package / "py.typed").read_bytes() == b""
