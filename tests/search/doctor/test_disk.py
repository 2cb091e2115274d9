"""The runs folder: writable, its clock, and its free space."""

from __future__ import annotations

import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from stub_study import SPEC

from core.run_size import RunSize
from search.doctor import disk
from tests.search.doctor.examined import states

GIB = 2**30


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    (check,) = disk.check_folder(tmp_path / "runs")
    assert (check.state, check.found) == ("wrong", f"cannot write to {tmp_path}: Permission denied")


@pytest.mark.parametrize("name", ["", "cache", "answers", "stub"])
def test_a_file_in_the_place_of_a_folder(name: str, tmp_path: Path) -> None:
    file = tmp_path / "runs" / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    (check,) = disk.check_folder(tmp_path / "runs", "stub")
    assert (check.state, check.found) == ("wrong", f"'{file}' is a file where a folder is needed")


def test_a_clock_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    assert states(list(disk.check_folder(tmp_path))) == [("folder", "ok"), ("clock", "ok")]
    monkeypatch.setattr("time.time", lambda: now() + 60)
    assert "60 s behind" in list(disk.check_folder(tmp_path))[1].found
    monkeypatch.setattr(disk, "_CLOCK_SECONDS", 1e12)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert "days behind this program's files" in list(disk.check_folder(tmp_path))[1].found


def test_room_for_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, size = replace(SPEC, workers=2, keep_models=3), RunSize(1 * GIB, 3 * GIB)
    usage = namedtuple("usage", "free")
    model = tmp_path / "stub" / "trial-0000" / "best" / "model.safetensors"

    def state(free: float) -> str:
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage(free * GIB))
        (check,) = disk.check_room(tmp_path, spec, size)
        assert (
            "at most 17.0 GiB: 2 workers x (2 checkpoints of 3,072 MiB + a model of 1,024 MiB) + 3 models"
            in check.found
        )
        return check.state

    assert [state(16.9), state(17.1), state(34.1)] == ["wrong", "warning", "ok"]
    model.parent.mkdir(parents=True)
    with model.open("wb") as file:
        file.truncate(GIB)  # takes no room here
    assert state(16.9) == "warning"  # one of the models is there already
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1.0 * GIB))
    assert [check.state for check in disk.check_room(tmp_path, None, None)] == ["warning"]


def test_room_for_outputs_of_frozen_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the free space on top of 5 GiB: with 6 GiB free, half a GiB is missing."""
    spec, usage = replace(SPEC, workers=1, keep_models=2), namedtuple("usage", "free")
    found = []
    for free in (6, 12, 30):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: usage(free * GIB))
        (check,) = disk.check_room(tmp_path, spec, RunSize(1 * GIB, 1 * GIB), keeps_features=True)
        found.append(check.state)
        assert f", and up to {_gib(free / 4)} more for outputs of frozen layers" in check.found
    assert found == ["wrong", "warning", "ok"]


def _gib(number: float) -> str:
    return f"{number:.1f} GiB"


def test_nearest_folder(tmp_path: Path) -> None:
    assert disk.nearest_folder(tmp_path) == tmp_path
    assert disk.nearest_folder(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "file").touch()
    assert disk.nearest_folder(tmp_path / "file" / "b") == tmp_path


def test_the_need_of_one_worker() -> None:
    """Two checkpoints of 12.5 MiB, one model and two kept ones of 0.5 MiB: 26.5 MiB."""
    need = disk.DiskNeed(workers=1, keep_models=2, size=RunSize(2**19, 25 * 2**19))
    assert need.bytes == 53 * 2**19
    assert str(need) == "26 MiB: 1 worker x (2 checkpoints of 12 MiB + a model of 0.50 MiB) + 2 models"
    reviving = replace(need, revivable=2)
    assert reviving.bytes == need.bytes + 2 * 26 * 2**19
    assert str(reviving).endswith(" + 2 models + 2 checkpoints and models of pruned trials that may continue")
