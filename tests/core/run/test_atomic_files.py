"""Files are whole or absent, on a full disk and in a folder that is deleted meanwhile too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

import pytest

from core.run.atomic_files import replace_file, write_atomically
from data.errors import MachineError


def test_a_full_disk_and_a_folder_that_cannot_be_are_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "x.json.tmp").symlink_to("/dev/full")
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
