"""Weights are written as the safetensors library writes them, one tensor at a time."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import Tensor

from core.model_files.weight_stream import write_weights

SHAPES = st.lists(st.integers(0, 4), max_size=3)
TYPES = st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
NAMES, TEXTS = st.sampled_from(["format", "sha256"]), st.text(max_size=5)
METADATA = st.none() | st.dictionaries(NAMES, TEXTS, min_size=1, max_size=1)


def written(weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    write_weights(file, weights, metadata)
    return file.getvalue()


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=6), st.tuples(SHAPES, TYPES), max_size=5), METADATA)
def test_as_the_library(drawn: dict[str, tuple[list[int], torch.dtype]], metadata: dict[str, str] | None) -> None:
    weights = {name: torch.randn(shape).to(dtype) for name, (shape, dtype) in drawn.items()}
    found = written(weights, metadata)
    read = load(found)
    assert read.keys() == weights.keys()
    assert all(read[name].dtype == weights[name].dtype and torch.equal(read[name], weights[name]) for name in weights)
    if len({dtype for _, dtype in drawn.values()}) < 2:
        assert found == save(weights, metadata)


def test_what_is_not_contiguous_or_a_parameter() -> None:
    table = torch.arange(6.0).reshape(2, 3)
    weights = {"b": table.T, "a": torch.nn.Parameter(table)}
    assert written(weights) == save({"b": table.T.contiguous(), "a": table})


def test_no_more_than_a_tensor_is_in_memory() -> None:
    class Sizes(io.BytesIO):
        largest = 0

        def write(self, data: bytes) -> int:  # type: ignore[override]
            Sizes.largest = max(Sizes.largest, len(data))
            return super().write(data)

    write_weights(Sizes(), {str(number): torch.zeros(1000) for number in range(10)})
    assert Sizes.largest == 4000
