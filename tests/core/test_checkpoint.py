"""Checkpoints are whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.atomic_files import write_atomically
from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import CheckpointError


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


def test_write_atomically_replaces(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x.json", b"old")
    write_atomically(tmp_path / "x.json", b"new")
    assert (tmp_path / "x.json").read_bytes() == b"new"
