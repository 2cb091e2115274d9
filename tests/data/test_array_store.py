from __future__ import annotations

import multiprocessing
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from data.array_store import Entry, read_entry, write_entry


def entry(shift: int = 0) -> Entry:
    return Entry({"a": np.arange(1000) + shift, "b": np.ones((2, 3), dtype=np.float32)}, {"ids": ["x", "é"]})


def test_round_trip(tmp_path: Path) -> None:
    write_entry(tmp_path / "cache" / "one", entry())
    again = read_entry(tmp_path / "cache" / "one")
    assert again is not None
    assert again.facts == {"ids": ["x", "é"]}
    assert sorted(again.arrays) == ["a", "b"]
    for name, array in entry().arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
        assert again.arrays[name].dtype == array.dtype
    assert isinstance(again.arrays["a"].base, np.memmap)
    assert again.digest == entry().digest
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["one"]  # nothing left over


def test_empty_arrays(tmp_path: Path) -> None:
    write_entry(tmp_path / "one", Entry({"a": np.zeros(0, dtype=np.int32)}, {}))
    again = read_entry(tmp_path / "one")
    assert again is not None
    assert again.arrays["a"].shape == (0,)


def test_the_digest_sees_every_part() -> None:
    base = entry()
    others = [
        entry(shift=1),
        Entry(base.arrays, {"ids": ["x", "e"]}),
        Entry({**base.arrays, "b": np.ones((3, 2), dtype=np.float32)}, base.facts),
        Entry({**base.arrays, "b": np.full((2, 3), 1065353216, dtype=np.int32)}, base.facts),  # the bits of 1.0
        Entry({"c": base.arrays["a"], "b": base.arrays["b"]}, base.facts),
    ]
    assert len({other.digest for other in [base, *others]}) == 6
    assert entry().digest == base.digest


def _break_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"{", b"("))


def _flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "bit flipped": lambda folder: _flip_last_byte(folder / "a.npy"),
    "array cut short": lambda folder: (folder / "a.npy").write_bytes((folder / "a.npy").read_bytes()[:-100]),
    "array empty": lambda folder: (folder / "a.npy").write_bytes(b""),
    "header damaged": lambda folder: (folder / "a.npy").write_bytes(
        (folder / "a.npy").read_bytes().replace(b"{", b"(\n")
    ),
    "array missing": lambda folder: (folder / "b.npy").unlink(),
    "facts cut short": lambda folder: (folder / "facts.json").write_text('{"ids": ["x"'),
    "facts changed": lambda folder: (folder / "facts.json").write_text('{"ids": ["x", "y"]}'),
    "manifest missing": lambda folder: (folder / "manifest.json").unlink(),
    "manifest empty": lambda folder: (folder / "manifest.json").write_text("{}"),
    "manifest no table": lambda folder: (folder / "manifest.json").write_text("3"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_entry_is_not_read_and_is_replaced(tmp_path: Path, damage) -> None:
    folder = tmp_path / "one"
    write_entry(folder, entry())
    damage(folder)
    assert read_entry(folder) is None
    write_entry(folder, entry())
    assert read_entry(folder) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_missing_entry(tmp_path: Path) -> None:
    assert read_entry(tmp_path / "absent") is None


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_entry(tmp_path / "one", Entry({"a": np.zeros(1)}, {"bad": object()}))
    assert list(tmp_path.iterdir()) == []


def _write_again_and_again(folder: Path, damaging: bool) -> None:
    for _ in range(50):
        write_entry(folder, entry())
        if damaging:
            with suppress(OSError):
                (folder / "manifest.json").unlink()
        else:
            assert read_entry(folder) is not None


@pytest.mark.parametrize("damaging", [False, True])
def test_processes_that_write_the_same_entry(tmp_path: Path, damaging: bool) -> None:
    folder = tmp_path / "one"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_again_and_again, args=(folder, damaging)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    write_entry(folder, entry())
    assert read_entry(folder) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
