"""The command: its lines, its exit code, and that it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from search.doctor import packages, storage
from search.doctor.__main__ import main


def tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_sound_study_leaves_no_trace(
    tiny_study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.toml").write_text(tiny_study)
    monkeypatch.setattr(storage, "_SLOW_MS", 1e6)
    before = tree(tmp_path)
    main(study=str(tmp_path / "tiny.toml"), runs_dir=tmp_path / "runs", json=True)
    checks = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in checks if check["name"] not in ("memory", "optuna")] == [
        "python", "packages", "device", "threads", "storage", "folder", "clock", "study", "data", "model", "disk",
    ]  # fmt: skip
    assert not [check for check in checks if check["state"] == "wrong"]
    assert tree(tmp_path) == before
    assert not (tmp_path / "runs").exists()


def test_something_wrong_is_exit_code_2_and_has_its_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_ours", lambda: ["optuna>=99", "no-such-package"])
    with pytest.raises(typer.Exit) as end:
        main(runs_dir=tmp_path)
    assert end.value.exit_code == 2
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("wrong"))
    assert "optuna is 5." in line
    assert "no-such-package is not installed" in line
    assert line.endswith("pip install -c constraints.txt -e .")
