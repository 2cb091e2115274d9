"""Weights are mapped from their file, and can be taken out of memory and used again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.model_files.mapped_weights import map_weights, release_pages
from core.model_files.weight_files import read_weights

_STATUS = Path("/proc/self/smaps")


def resident(path: Path) -> int:
    """Return how much of a file is in this process's memory, kilobytes."""
    found = re.search(rf"{re.escape(str(path))}\n.*?^Rss:\s+(\d+) kB$", _STATUS.read_text(), re.DOTALL | re.MULTILINE)
    return int(found[1]) if found else 0


def test_every_type_and_shape(tmp_path: Path) -> None:
    shapes = [(), (3,), (2, 5), (0, 4)]
    types = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    weights = {f"{dtype} {shape}": torch.randn(shape).to(dtype) for dtype in types for shape in shapes}
    save_file(weights, tmp_path / "w", metadata={"format": "pt"})
    found = map_weights(tmp_path / "w")
    assert found.keys() == {name for name in weights if weights[name].numel()}
    assert all(found[name].dtype == weights[name].dtype and torch.equal(found[name], weights[name]) for name in found)


def test_what_cannot_be_mapped_is_read(tmp_path: Path) -> None:
    entries = {"a": ("F32", [1], [0, 4]), "n": ("I64", [0], [4, 4])}
    keys = ("dtype", "shape", "data_offsets")
    header = json.dumps({name: dict(zip(keys, entry, strict=True)) for name, entry in entries.items()}).encode()
    header += b" " * (1 - len(header) % 2)  # odd, as early versions wrote
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + torch.ones(1).numpy().tobytes())
    assert map_weights(path) == {}
    assert read_weights(tmp_path, ["a"])["a"].tensor.tolist() == [1.0]


@pytest.mark.skipif(not _STATUS.exists(), reason="reads /proc")
def test_pages_are_released_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_file({"a": torch.arange(1_000_000.0)}, path)
    mapped = map_weights(path)["a"]
    before = float(mapped.double().sum())
    assert resident(path) > 3000
    path.unlink()  # the mapping does not need the name
    deleted = path.with_name("w (deleted)")
    assert resident(deleted) > 3000
    release_pages()
    assert resident(deleted) == 0
    assert float(mapped.double().sum()) == before


def test_what_is_not_used_any_more_is_unmapped(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1000)}, tmp_path / "w")
    mapped = map_weights(tmp_path / "w")
    del mapped
    release_pages()
    assert not _STATUS.exists() or str(tmp_path) not in _STATUS.read_text()
