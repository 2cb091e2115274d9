"""Sizes of task layers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.config import TaskLayersConfig


def test_sizes_are_those_of_the_papers_unless_given() -> None:
    assert [TaskLayersConfig(kind=kind).width for kind in ("none", "pal", "adapter")] == [0, 204, 64]
    assert TaskLayersConfig(kind="pal", size=96, heads=6).width == 96


@pytest.mark.parametrize(("sizes", "numbers"), [({"size": 50}, "50 and 12"), ({"heads": 8}, "204 and 8")])
def test_projected_attention_has_heads_of_one_size(sizes: dict[str, int], numbers: str) -> None:
    with pytest.raises(ValidationError, match=f"size must be a multiple of task_layers.heads, got {numbers}"):
        TaskLayersConfig(kind="pal", **sizes)
    TaskLayersConfig(kind="adapter", **sizes)
