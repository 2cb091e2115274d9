"""A small BERT, and changes to its checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.model.bert import Bert, BertConfig
from data.errors import UserError

CONFIG = BertConfig(
    vocab_size=30,
    hidden_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=20,
    max_position_embeddings=16,
)
QUERY = "encoder.layer.1.attention.self.query.weight"


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    path = folder / "model.safetensors"
    weights = change(load_file(path))
    path.unlink()  # not overwritten: load_file may have mapped it
    save_file(weights, path)


def assert_same(weights: dict[str, Tensor], bert: Bert) -> None:
    expected = bert.state_dict()
    assert weights.keys() == expected.keys()
    for name, tensor in weights.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, expected[name]), name


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message
