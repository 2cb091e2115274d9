"""Files are whole or absent, on a full disk and in a folder that is deleted meanwhile too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

import pytest

from core.run.atomic_files import half_written_files, replace_file, write_atomically
from data.errors import MachineError
from tests.core.full_disk import FullDisk


def test_a_full_disk_and_an_impossible_folder_are_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch, "x.json")
    (tmp_path / "file").touch()
    for name, reason in (("x.json", "No space left on device"), ("file/x.json", "File exists")):
        with pytest.raises(MachineError) as caught:
            write_atomically(tmp_path / name, b"new")
        assert str(caught.value) == f"cannot write '{tmp_path / name}': {reason}"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "x.json", b"new")
    assert (tmp_path / "a" / "b" / "x.json").read_bytes() == b"new"


@pytest.mark.parametrize("deletions", [1, 2, 3])
def test_a_folder_deleted_while_a_file_is_written(tmp_path: Path, deletions: int) -> None:
    """It is made again, and the file is written again; not for ever."""
    path, calls = tmp_path / "run" / "x.json", 0

    def write(file: BinaryIO) -> None:
        nonlocal calls
        calls += 1
        file.write(b"new")
        if calls <= deletions:
            shutil.rmtree(path.parent)

    if deletions < 3:
        replace_file(path, write)
        assert path.read_bytes() == b"new"
    else:
        with pytest.raises(MachineError, match=r"x\.json': No such file or directory"):
            replace_file(path, write)


def test_write_atomically_replaces(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x.json", b"old")
    write_atomically(tmp_path / "x.json", b"new")
    assert (tmp_path / "x.json").read_bytes() == b"new"


def test_nothing_that_is_there_already_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither through a link nor into a file, even if somebody guessed the temporary name."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "x.json.tmp").symlink_to(victim)
    (tmp_path / "x.json.abc.tmp").symlink_to(victim)
    write_atomically(tmp_path / "x.json", b"new")
    monkeypatch.setattr("secrets.token_hex", lambda _: "abc")
    with pytest.raises(MachineError, match=r"x\.json': File exists"):
        write_atomically(tmp_path / "x.json", b"newer")
    assert (tmp_path / "x.json").read_bytes() == b"new"
    assert victim.read_bytes() == b"precious"


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "x.json").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "x.json", b"new")
    assert (tmp_path / "target").read_bytes() == b"old"
    assert (tmp_path / "x.json").read_bytes() == b"new"


def test_what_a_killed_writer_left_is_found(tmp_path: Path) -> None:
    class KilledError(BaseException): ...

    def die(file: BinaryIO) -> None:
        (tmp_path / "left").mkdir()
        shutil.copy(file.name if isinstance(file.name, str) else next(tmp_path.glob("x[[]1].pt.*")), tmp_path / "left")
        raise KilledError

    path = tmp_path / "x[1].pt"
    with pytest.raises(KilledError):
        replace_file(path, die)
    (left,) = (tmp_path / "left").iterdir()  # a kill deletes nothing
    for other in ("x[1].pt.tmp", "x[1].pt.index.tmp", "x[1].pt2.tmp", "x1.pt.0123456789abcdef.tmp"):
        (tmp_path / "left" / other).touch()
    assert set(half_written_files(left.with_name(path.name))) == {left, left.with_name("x[1].pt.tmp")}
