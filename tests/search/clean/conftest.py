"""A runs folder, and a person at a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.search.clean.runs_folder import Runs


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    def say(word: str | None) -> None:
        """Type a word at the terminal; None: there is no terminal."""
        stdin = io.StringIO("" if word is None else f"{word}\n")
        monkeypatch.setattr(stdin, "isatty", lambda: word is not None)
        monkeypatch.setattr("sys.stdin", stdin)

    return say
