"""Pooling ignores padding."""

from __future__ import annotations

import pytest
import torch

from core.model.bert import Bert
from core.model.pooling import POOLINGS, EncodedRows
from tests.core.model.encoded_rows import SHAPE, rows


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "pooler"])
def test_pooling_ignores_padding(pooling: str) -> None:
    bert, encoded = Bert(SHAPE), rows()
    pooled = POOLINGS[pooling](bert, encoded)
    for number, length in enumerate([4, 2, 1]):
        real = encoded.hidden[number, :length]
        expected = {
            "cls": real[0],
            "mean": real.mean(0),
            "max": real.max(0).values,
            "pooler": torch.tanh(bert.pooler.dense(real[0])),
        }[pooling]
        assert torch.allclose(pooled[number], expected, atol=1e-6)
    poisoned = EncodedRows(encoded.hidden.masked_fill(~encoded.attention_mask[..., None], 1e6), encoded.attention_mask)
    assert torch.allclose(POOLINGS[pooling](bert, poisoned), pooled, atol=1e-5)


def test_max_of_negative_states_is_negative() -> None:
    encoded = EncodedRows(-torch.rand(1, 3, 4) - 1, torch.tensor([[True, True, False]]))
    assert (encoded.max() < 0).all()
