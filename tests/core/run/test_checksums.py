"""Files whose content changes are noticed; files as some write left them, at whatever moment it ended, are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import core.run.checksums
from core.run.checksums import CHECKSUMS, Checksums
from core.run.run_folder import RunFolder
from data.errors import MachineError, UserError


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


def one_by_one(checksums: Checksums, contents: Mapping[Path, bytes]) -> None:
    """Write files as large ones are written."""
    for path, content in contents.items():
        checksums.write_large(path, lambda file, content=content: file.write(content))


@pytest.mark.parametrize("before", range(1, 10))
@pytest.mark.parametrize("write", [Checksums.write, one_by_one])
def test_a_kill_before_any_file_is_renamed_leaves_none_that_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Checksums, Mapping[Path, bytes]], None],
    before: int,
) -> None:
    """Two files are written three times, by two processes, of which the first is killed; then once more."""
    rename, left = Path.replace, before

    def killed(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return rename(path, target)

    def all_are_checked() -> bool:
        return all(checked(tmp_path, name) for name in ("a", "b") if (tmp_path / name).exists())

    monkeypatch.setattr(Path, "replace", killed)
    for start in range(2):
        try:
            checksums = Checksums(tmp_path)
            for time in range(3):
                write(checksums, {tmp_path / name: f"{name} {start} {time}".encode() for name in ("a", "b")})
                assert all_are_checked()
        except Killed:
            pass
        assert all_are_checked()
    assert (tmp_path / "b").read_text() == "b 1 2"


@pytest.mark.parametrize("write", [Checksums.write, one_by_one])
def test_an_earlier_version_of_a_file_is_refused(
    tmp_path: Path, write: Callable[[Checksums, Mapping[Path, bytes]], None]
) -> None:
    """Only the one before stays valid, until the next write."""
    checksums = Checksums(tmp_path)
    for content in (b"1", b"2", b"3"):
        write(checksums, {tmp_path / "a": content})
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(UserError):
        checked(tmp_path, "a")
    assert len(json.loads((tmp_path / CHECKSUMS).read_text())["a"]) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1}', b'{"a": [1]}'])
def test_damaged_checksums_are_refused(tmp_path: Path, content: bytes) -> None:
    """Also by a writer that has not read them: it would lose the checksums of files that it does not write."""
    file = tmp_path / CHECKSUMS
    Checksums(tmp_path).write({tmp_path / name: b"1" for name in ("a", "b")})
    file.write_bytes(content)
    for refuse in (
        lambda: checked(tmp_path, "a"),
        lambda: Checksums(tmp_path).check_all("restore it"),
        lambda: Checksums(tmp_path).write({tmp_path / "a": b"2"}),
        RunFolder(tmp_path).make,
    ):
        with pytest.raises(MachineError) as caught:
            refuse()
        assert str(caught.value) == (
            f"{file}: the file is damaged, so the files that it has checksums of cannot be checked; restore it from a "
            "copy, or delete it to use them unchecked"
        )
    assert file.read_bytes() == content
    file.unlink()
    assert not checked(tmp_path, "a")


def test_checksums_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / CHECKSUMS).mkdir()
    with pytest.raises(MachineError, match=r"checksums\.json: the file cannot be read: Is a directory"):
        checked(tmp_path, "a")


@pytest.mark.parametrize("has_written", [True, False])
def test_a_writer_that_knows_the_checksums_replaces_damaged_ones(tmp_path: Path, has_written: bool) -> None:
    Checksums(tmp_path).write({tmp_path / name: b"1" for name in ("a", "b")})
    writer = Checksums(tmp_path)
    if has_written:
        writer.write({tmp_path / "a": b"2"})
    else:
        writer.load()
    (tmp_path / CHECKSUMS).write_bytes(b"")
    with pytest.warns(
        UserWarning, match=r"checksums\.json: the file is damaged or cannot be read; it is written again"
    ):
        writer.write({tmp_path / "a": b"3"})
    assert checked(tmp_path, "a")
    (tmp_path / "b").write_bytes(b"2")
    with pytest.raises(UserError, match="b: the file is damaged or was changed"):
        checked(tmp_path, "b")


def test_a_kill_before_the_first_write_over_an_unchecked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the folder of an earlier version, or where damaged checksums were deleted."""
    file, write = tmp_path / "a", core.run.checksums.write_atomically
    file.write_bytes(b"1")

    def killed(path: Path, content: bytes) -> None:
        if path == file:
            raise Killed
        write(path, content)

    monkeypatch.setattr(core.run.checksums, "write_atomically", killed)
    with pytest.raises(Killed):
        Checksums(tmp_path).write({file: b"2"})
    assert checked(tmp_path, "a")
    monkeypatch.undo()
    Checksums(tmp_path).write({file: b"2"})
    assert checked(tmp_path, "a")
