"""Files whose content changes are noticed; files as some write left them, at whatever moment it ended, are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import core.run.checksums
from core.run.checksums import CHECKSUMS, Checksums
from data.errors import UserError


class Killed(BaseException):
    pass


def checked(folder: Path, name: str) -> bool:
    return Checksums(folder).check(folder / name, "restore it")


def test_a_written_file_is_checked_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "best" / "model"
    Checksums(tmp_path).write({file: b"weights", tmp_path / "other": b"x"})
    assert checked(tmp_path, "best/model")
    assert checked(tmp_path, "other")
    file.write_bytes(b"weighth")
    with pytest.raises(UserError) as caught:
        checked(tmp_path, "best/model")
    assert str(caught.value) == (
        f"{file}: the file is damaged or was changed, its checksum is not that in checksums.json; restore it"
    )


def test_content_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    Checksums(tmp_path).write({tmp_path / "a": b"1"})
    (tmp_path / "a").unlink()
    assert Checksums(tmp_path).check(tmp_path / "a", "", b"1")
    with pytest.raises(UserError):
        Checksums(tmp_path).check(tmp_path / "a", "", b"2")


def test_files_of_earlier_versions_are_not_checked(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"1")
    assert not checked(tmp_path, "old")
    Checksums(tmp_path).write({tmp_path / "new": b"1"})
    assert not checked(tmp_path, "old")


@pytest.mark.parametrize("before", range(1, 8))
def test_a_kill_before_any_write_leaves_no_file_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """Two files are written three times, by two processes, of which the first is killed; then once more."""
    write, left = core.run.checksums.write_atomically, before

    def killed(path: Path, content: bytes) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        write(path, content)

    def all_are_checked() -> bool:
        return all(checked(tmp_path, name) for name in ("a", "b") if (tmp_path / name).exists())

    monkeypatch.setattr(core.run.checksums, "write_atomically", killed)
    for start in range(2):
        try:
            checksums = Checksums(tmp_path)
            for time in range(3):
                checksums.write({tmp_path / name: f"{name} {start} {time}".encode() for name in ("a", "b")})
                assert all_are_checked()
        except Killed:
            pass
        assert all_are_checked()
    assert (tmp_path / "b").read_text() == "b 1 2"


def test_an_earlier_version_of_a_file_is_refused(tmp_path: Path) -> None:
    """Only the one before stays valid, until the next write."""
    checksums = Checksums(tmp_path)
    for content in (b"1", b"2", b"3"):
        checksums.write({tmp_path / "a": content})
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(UserError):
        checked(tmp_path, "a")
    assert len(json.loads((tmp_path / CHECKSUMS).read_text())["a"]) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_unreadable_checksums_check_nothing_and_are_replaced(tmp_path: Path, content: bytes) -> None:
    Checksums(tmp_path).write({tmp_path / "a": b"1"})
    (tmp_path / CHECKSUMS).write_bytes(content)
    assert not checked(tmp_path, "a")
    Checksums(tmp_path).write({tmp_path / "a": b"2"})
    assert checked(tmp_path, "a")
