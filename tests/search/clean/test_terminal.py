"""The question before files are deleted, and the table above it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from search.clean.__main__ import main
from search.clean.found_files import Finding, FoundFile
from search.clean.survey import Survey
from search.clean.terminal import show_survey
from tests.search.clean.runs_folder import Runs


def test_nothing_is_deleted_without_a_terminal(
    runs: Runs, capsys: pytest.CaptureFixture[str], answer: Callable[[str | None], None]
) -> None:
    runs.study("s", "PRUNED")
    before = runs.files()
    answer(None)
    main(runs_dir=runs.root, storage=runs.address)
    out = capsys.readouterr().out
    assert "all models except the best 3" in out
    assert "nothing was deleted; pass --yes to delete these files" in out
    assert runs.files() == before


@pytest.mark.parametrize(("word", "is_freed"), [("y", True), ("n", False), ("", False)])
def test_the_answer_decides(
    runs: Runs, capsys: pytest.CaptureFixture[str], answer: Callable[[str | None], None], word: str, is_freed: bool
) -> None:
    folders = runs.study("s", "PRUNED")
    answer(word)
    main(runs_dir=runs.root, storage=runs.address)
    assert ("freed 0.0 MiB" in capsys.readouterr().out) == is_freed
    assert folders.run(0).best_model.exists() != is_freed


def test_the_table_has_a_row_for_each_finding_and_their_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    models = Finding("models", tmp_path / "s", 2, (FoundFile(tmp_path / "s" / "a", 3 * 2**20, now - 7200),))
    cache = Finding(
        "tokens", tmp_path / "cache", 1, (FoundFile(tmp_path / "b", 2**19, now - 3 * 86400),), is_cache=True
    )
    show_survey(Console(width=120), Survey((models, cache), ("study 'x' is running",)), tmp_path)
    out = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert out[0] == "left alone: study 'x' is running"
    for row in ("models s 2 3.0 2 h ago", "tokens * cache 1 0.5 3 days ago", "total 3 3.5"):
        assert row in out
    assert out[-1].startswith("* is recomputed")


def test_nothing_to_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_survey(Console(width=500), Survey((), ()), tmp_path)
    assert capsys.readouterr().out == f"nothing to free in {tmp_path}\n"
