"""Predicted sizes against those of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.bert import BertConfig
from core.run_observer import NullRunObserver
from core.run_size import run_size
from core.trainer import train

MIB = 2**20
WIDE = {"scratch": {"vocab_size": 400, "hidden_size": 64, "intermediate_size": 256, "layers": 3}}


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"lora": {"rank": 4}},
        {"model": {**WIDE, "encoders": "per-task"}},
        {"model": {**WIDE, "own_layers": 1}, "gradients": {"rule": "anchored", "anchor": "sst"}},
        {"task_layers": {"kind": "pal", "size": 48}, "model": {**WIDE, "freeze": "encoder"}},
        {"optim": {"ema": 0.99}},
        {"gradients": {"rule": "anchored", "anchor": "sst"}},
    ],
)
def test_they_are_those_of_the_files(
    small_config: Callable[..., RunConfig], resources: Resources, tmp_path: Path, sections: dict[str, Any]
) -> None:
    config = small_config(**{"model": WIDE, "budget": {"examples": 240}, "eval": {"rungs": 1}, **sections})
    train(config, tmp_path, resources, NullRunObserver())
    size = run_size(config, resources.encoder(config).config)
    model = (tmp_path / "best" / "model.safetensors").stat().st_size
    checkpoint = (tmp_path / "checkpoint.pt").stat().st_size
    assert 0 <= model - size.model < 40_000
    assert 0 <= checkpoint - size.checkpoint < 250_000
    assert size.model > 500_000  # else the slack would say nothing
    assert size.checkpoint < 1.02 * checkpoint


def test_bert_base(small_config: Callable[..., RunConfig]) -> None:
    """The numbers in the documentation."""
    config = small_config(model={"encoder": "bert-base-uncased", "scratch": None})
    size = run_size(config, BertConfig(30522, 768, 12, 12, 3072))
    assert round(size.model / MIB) == 418
    assert round(size.checkpoint / MIB) == 1253
