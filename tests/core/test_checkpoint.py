"""Checkpoints are whole or absent."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from core.atomic_files import write_atomically
from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import CheckpointError
from data.errors import UserError


def test_round_trip(tmp_path: Path) -> None:
    state = {"weights": {"a": torch.randn(3, 4)}, "step": 7, "big": 2**90, "nested": [{"x": 1.5}], "none": None}
    save_checkpoint(tmp_path / "c.pt", state)
    loaded = load_checkpoint(tmp_path / "c.pt")
    assert torch.equal(loaded["weights"]["a"], state["weights"]["a"])  # type: ignore[index]
    assert {k: v for k, v in loaded.items() if k != "weights"} == {k: v for k, v in state.items() if k != "weights"}
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]  # nothing temporary is left


@pytest.mark.parametrize("damage", ["flipped bit", "cut short", "empty"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"weights": torch.randn(100)})
    content = bytearray(path.read_bytes())
    if damage == "flipped bit":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut short": bytes(content[:-10]), "empty": b""}.get(damage, bytes(content)))
    with pytest.raises(CheckpointError, match=r"c\.pt: the checksum does not fit"):
        load_checkpoint(path)


def test_a_failing_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match=r"pickle|local"):
        save_checkpoint(path, {"step": lambda: None})
    assert load_checkpoint(path) == {"step": 1}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The operating system refuses to write more bytes to a file, as it does on a full disk."""
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
    with pytest.raises(UserError) as caught, files_of_at_most(size):
        save_checkpoint(path, {"weights": torch.ones(1_000_000)})
    assert str(caught.value) == f"cannot write '{path}': File too large"
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_and_a_missing_folder_are_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "x.json.tmp").symlink_to("/dev/full")
    for name, reason in (("x.json", "No space left on device"), ("none/x.json", "No such file or directory")):
        with pytest.raises(UserError) as caught:
            write_atomically(tmp_path / name, b"new")
        assert str(caught.value) == f"cannot write '{tmp_path / name}': {reason}"
    assert not list(tmp_path.iterdir())


def test_write_atomically_replaces(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x.json", b"old")
    write_atomically(tmp_path / "x.json", b"new")
    assert (tmp_path / "x.json").read_bytes() == b"new"
