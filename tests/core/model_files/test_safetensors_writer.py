"""Safetensors files are those of the library, written without a copy of the tensors."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import Tensor

from core.model_files.safetensors_writer import write_safetensors

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
]


def written(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    write_safetensors(file, tensors, metadata)
    return file.getvalue()


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_the_file_of_a_model_is_the_library_s(metadata: dict[str, str] | None) -> None:
    generator = torch.Generator().manual_seed(0)
    model = {f"layer.{i}.weight": torch.randn(3, i, generator=generator) for i in range(12)}
    assert written(model, metadata) == save(model, metadata)


@given(
    st.dictionaries(st.text(max_size=3), st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3))),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=1),
)
def test_tensors_of_any_type_and_shape(
    parts: dict[str, tuple[torch.dtype, list[int]]], metadata: dict[str, str]
) -> None:
    tensors = {name: (torch.rand(shape) * 9).to(dtype) for name, (dtype, shape) in parts.items()}
    read = load(written(tensors, metadata))
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_views_are_written_as_what_they_show() -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    for view in (whole.T, whole[:, 1], whole[1].requires_grad_()):
        assert torch.equal(load(written({"a": view}))["a"], view)


def test_no_copy_is_made(tmp_path: Path) -> None:
    tensors = {f"weight {i}": torch.zeros(256, 1024) for i in range(8)}
    with (tmp_path / "model.safetensors").open("wb") as file:
        tracemalloc.start()
        write_safetensors(file, tensors)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tmp_path / "model.safetensors").stat().st_size > 8 * 2**20
    assert peak < 2**19


def test_each_tensor_begins_at_a_multiple_of_its_items() -> None:
    tensors = {"a": torch.ones(3, dtype=torch.bool), "b": torch.ones(5), "c": torch.ones(1, dtype=torch.int64)}
    assert written(tensors) == save(tensors)
