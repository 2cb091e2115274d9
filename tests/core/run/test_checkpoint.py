"""Checkpoints are whole or absent."""

from __future__ import annotations

import hashlib
import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.errors import CheckpointError
from data.errors import MachineError


def test_round_trip(tmp_path: Path) -> None:
    state = {"weights": {"a": torch.randn(3, 4)}, "step": 7, "big": 2**90, "nested": [{"x": 1.5}], "none": None}
    save_checkpoint(tmp_path / "c.pt", state)
    loaded = load_checkpoint(tmp_path / "c.pt")
    assert torch.equal(loaded["weights"]["a"], state["weights"]["a"])  # type: ignore[index]
    assert {k: v for k, v in loaded.items() if k != "weights"} == {k: v for k, v in state.items() if k != "weights"}
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]  # nothing temporary is left


def test_the_file_is_not_read_as_a_whole(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", {"weights": torch.randn(2_000_000)})
    tracemalloc.start()
    load_checkpoint(tmp_path / "c.pt")
    _, peak = tracemalloc.get_traced_memory()  # without torch's own memory, which the tensors are in
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("damage", ["flipped bit", "cut short", "empty"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"weights": torch.randn(100)})
    content = bytearray(path.read_bytes())
    if damage == "flipped bit":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut short": bytes(content[:-10]), "empty": b""}.get(damage, bytes(content)))
    with pytest.raises(CheckpointError, match=r"c\.pt: the file is damaged: wrong checksum"):
        load_checkpoint(path)


@settings(max_examples=200)
@given(st.data())
def test_no_damage_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any bit flipped, any end missing, anything put in between or behind."""
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    content = checkpoint_content(path)
    place = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "insert", "zero"])):
        case "flip":
            damaged = bytearray(content)
            damaged[place] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            damaged = bytearray(content[:place])
        case "insert":
            damaged = bytearray(content[:place] + data.draw(st.binary(min_size=1, max_size=40)) + content[place:])
        case _:  # a block that never reached the disk
            end = min(place + data.draw(st.integers(1, 4096)), len(content))
            damaged = bytearray(content[:place] + bytes(end - place) + content[end:])
    assume(damaged != content)
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"damaged\.pt: the file is damaged: wrong checksum"):
        load_checkpoint(path)


@cache
def checkpoint_content(path: Path) -> bytes:
    save_checkpoint(path, {"weights": torch.arange(100.0), "step": 7})
    return path.read_bytes()


def test_what_is_whole_but_no_checkpoint(tmp_path: Path) -> None:
    for payload in (b"", b"no archive"):
        (tmp_path / "c.pt").write_bytes(payload + hashlib.sha256(payload).digest())
        with pytest.raises(CheckpointError, match=r"c\.pt: not a checkpoint"):
            load_checkpoint(tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=r"cannot read the checkpoint: Is a directory"):
        load_checkpoint(tmp_path)


def test_a_failing_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match=r"pickle|local"):
        save_checkpoint(path, {"step": lambda: None})
    assert load_checkpoint(path) == {"step": 1}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the operating system refuse to write more bytes to a file, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [40, 100_000, 4_001_024])
def test_what_the_disk_does_not_take_leaves_the_old_checkpoint_and_nothing_else(tmp_path: Path, size: int) -> None:
    """At the first bytes, within a tensor, where torch says only that a position was unexpected, and at the end."""
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(MachineError) as caught, files_of_at_most(size):
        save_checkpoint(path, {"weights": torch.ones(1_000_000)})
    assert str(caught.value) == f"cannot write '{path}': File too large"
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
