"""The command: what it prints where there is nothing to free or a file cannot be deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from search.clean.__main__ import main
from tests.search.clean.runs_folder import Runs


def test_nothing_to_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(runs_dir=tmp_path / "none")
    assert "nothing to free" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_files_that_cannot_be_deleted_are_reported(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.study("s", "PRUNED")

    def refuse(path: Path, missing_ok: bool = False) -> None:  # noqa: ARG001
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(typer.Exit) as end:
        main(runs_dir=runs.root, storage=runs.address, yes=True)
    assert end.value.exit_code == 2
    assert "Permission denied (and 3 more)" in capsys.readouterr().err
