"""Rows on disk: read back by every process, and missing as soon as anything about them is wrong."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.frozen_features.cache_limit import CacheLimit
from core.frozen_features.row_store import RowStore

KEYS = [bytes([number] * 16) for number in range(5)]
ROWS = [np.full((number + 1, 3), number, np.float32) for number in range(5)]


def opened(folder: Path, limit: int = 2**30) -> RowStore:
    store = RowStore(folder, CacheLimit(folder, limit))
    store.refresh()
    return store


def found(store: RowStore) -> list[int]:
    """Return the numbers of the rows that are read, each of which is right."""
    numbers = []
    for number, (key, row) in enumerate(zip(KEYS, ROWS, strict=True)):
        out = np.empty_like(row)
        if not store.read(key, out):
            store.refresh()
        if store.read(key, out):
            assert np.array_equal(out, row)
            numbers.append(number)
    return numbers


def written(folder: Path) -> tuple[Path, Path]:
    """Write all rows; return the files of rows and index."""
    opened(folder).write(zip(KEYS, ROWS, strict=True))
    (rows,), (index,) = folder.glob("*.rows"), folder.glob("*.index")
    return rows, index


def test_rows_are_read_back_by_their_writer_and_by_others(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "a"), opened(tmp_path / "a")
    assert found(one) == found(other) == []
    one.write([(KEYS[0], ROWS[0]), (KEYS[3], ROWS[3])])
    other.write([(KEYS[1], ROWS[1]), (KEYS[3], ROWS[3])])  # both had to compute row 3
    assert not one.read(KEYS[1], np.empty_like(ROWS[1]))
    assert found(one) == found(other) == [0, 1, 3]
    one.write([(KEYS[4], ROWS[4])])  # after the other has read its index
    assert found(other) == found(opened(tmp_path / "a")) == [0, 1, 3, 4]
    assert not other.read(KEYS[0], np.empty((2, 3), np.float32))  # a row of another length


@pytest.mark.parametrize("place", [0, 7, 21, 42, 60, 70, 100])
def test_a_damaged_byte_costs_one_row(tmp_path: Path, place: int) -> None:
    rows, _ = written(tmp_path)
    content = bytearray(rows.read_bytes())
    content[place] ^= 4
    rows.write_bytes(content)
    store = opened(tmp_path)
    missing = {0, 1, 2, 3, 4} - set(found(store))
    assert len(missing) == 1
    (number,) = missing
    store.write([(KEYS[number], ROWS[number])])  # computed again
    assert found(store) == found(opened(tmp_path)) == [0, 1, 2, 3, 4]


def test_a_damaged_index_costs_rows_only(tmp_path: Path) -> None:
    _, index = written(tmp_path)
    content = bytearray(index.read_bytes())
    content[24 + 16] ^= 1  # the offset of row 1
    content[48] ^= 1  # the key of row 2
    content[72 + 23] ^= 0x80  # an offset beyond all files
    index.write_bytes(content)
    assert found(opened(tmp_path)) == [0, 4]


def test_files_that_end_early(tmp_path: Path) -> None:
    rows, index = written(tmp_path)
    os.truncate(index, 24 * 3 + 11)  # the process was killed in the fourth entry
    assert found(opened(tmp_path)) == [0, 1, 2]
    before = opened(tmp_path)
    os.truncate(rows, 16 + 28 + 20)  # in row 2, while another process has the file open
    assert found(before) == found(opened(tmp_path)) == [0, 1]
    rows.unlink()
    assert found(opened(tmp_path)) == []


def test_a_deleted_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    written(folder)
    store = opened(folder)
    store.write([(bytes(16), ROWS[0])])
    shutil.rmtree(folder)
    store.refresh()
    store.write([(b"k" * 16, ROWS[1])])
    assert found(store) == [0, 1, 2, 3, 4]  # open files stay
    assert found(opened(folder)) == []


@pytest.mark.parametrize("written_bytes", [None, 7])
def test_a_full_disk_leaves_rows_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written_bytes: int | None
) -> None:
    def refuse(descriptor: int, parts: tuple[bytes, memoryview]) -> int:
        if written_bytes is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, bytes(parts[1])[:written_bytes])

    store = opened(tmp_path)
    store.write([(KEYS[0], ROWS[0])])
    with monkeypatch.context() as patch:
        patch.setattr("os.writev", refuse)
        store.write([(KEYS[1], ROWS[1]), (KEYS[2], ROWS[2])])
    store.write([(KEYS[3], ROWS[3])])  # never again by this process
    assert found(store) == found(opened(tmp_path)) == [0]


def test_files_without_a_writer_are_taken_over(tmp_path: Path) -> None:
    """There are as many as writers at the same time, however many runs there were."""
    for number in range(5):
        store = opened(tmp_path)
        store.write([(KEYS[number], ROWS[number])])
        del store
    assert len(list(tmp_path.iterdir())) == 2
    stores = [opened(tmp_path) for _ in range(3)]
    for store in stores:
        store.write([(b"k" * 16, ROWS[0])])
    assert len(list(tmp_path.iterdir())) == 6
    assert found(stores[0]) == found(opened(tmp_path)) == [0, 1, 2, 3, 4]


def test_what_a_killed_writer_left_is_not_continued(tmp_path: Path) -> None:
    rows, index = written(tmp_path)
    os.truncate(index, 24 * 3 + 11)  # killed in the fourth entry
    os.truncate(rows, rows.stat().st_size - 5)
    reader, writer = opened(tmp_path), opened(tmp_path)
    writer.write([(KEYS[4], ROWS[4]), (KEYS[3], ROWS[3])])
    assert len(list(tmp_path.iterdir())) == 2
    assert found(reader) == found(writer) == found(opened(tmp_path)) == [0, 1, 2, 3, 4]


def test_rows_added_since_the_last_look_are_found_when_files_are_taken_over(tmp_path: Path) -> None:
    late = opened(tmp_path)
    written(tmp_path)
    late.write([(b"k" * 16, ROWS[0])])
    assert found(late) == [0, 1, 2, 3, 4]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    store = opened(tmp_path / "a" / "b")
    store.write(zip(KEYS, ROWS, strict=True))
    assert found(store) == []


def test_the_limit_holds(tmp_path: Path) -> None:
    limit = 150
    opened(tmp_path, limit).write(zip(KEYS, ROWS, strict=True))
    assert found(opened(tmp_path)) == [0, 1]  # 40 + 52 bytes; 64 more would exceed it
    opened(tmp_path, limit).write(zip(KEYS, ROWS, strict=True))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= limit


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    written(tmp_path)
    other = opened(tmp_path)
    other.write([(b"k" * 16, ROWS[0])])
    assert found(other) == found(opened(tmp_path)) == [0, 1, 2, 3, 4]
    assert len(list(tmp_path.iterdir())) == 4
