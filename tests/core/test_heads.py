"""Pooling, pair features and heads, against the padded tensors written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.bert import Bert, BertConfig
from core.config import HeadConfig
from core.heads import TaskHead
from core.pair_features import PAIR_FEATURES
from core.pooling import POOLINGS, EncodedRows

SHAPE = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)


def rows() -> EncodedRows:
    hidden = torch.randn(3, 4, 8)
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    return EncodedRows(hidden, mask)


def head(generator_seed: int = 0, outputs: int = 5, **config: object) -> TaskHead:
    generator = torch.Generator().manual_seed(generator_seed)
    return TaskHead(HeadConfig.model_validate(config), 8, outputs, 0.02, generator)


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


def test_pair_features() -> None:
    u, v = torch.randn(2, 3), torch.randn(2, 3)
    assert torch.equal(PAIR_FEATURES["uv"].function(u, v), torch.cat([u, v], -1))
    assert torch.equal(PAIR_FEATURES["uv-diff"].function(u, v), torch.cat([u, v, v - u], -1))
    assert torch.equal(PAIR_FEATURES["uv-absdiff"].function(u, v), torch.cat([u, v, (u - v).abs()], -1))
    assert all(f.function(u, v).shape[1] == 3 * f.width for f in PAIR_FEATURES.values())


def test_a_linear_head_is_linear() -> None:
    bert, encoded, linear = Bert(SHAPE), rows(), head().eval()
    outputs = linear(bert, encoded, (torch.arange(3),))
    last = linear.layers[-1]
    assert isinstance(last, nn.Linear)
    assert torch.allclose(outputs, encoded.hidden[:, 0] @ last.weight.T + last.bias, atol=1e-6)


def test_a_siamese_head_reads_its_pairs_of_rows() -> None:
    bert = Bert(SHAPE)
    encoded = EncodedRows(torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool))
    siamese = head(pair="siamese", combine="uv", outputs=1).eval()
    outputs = siamese(bert, encoded, (torch.tensor([0, 1]), torch.tensor([2, 3])))
    features = torch.cat([encoded.hidden[:2, 0], encoded.hidden[2:, 0]], -1)
    last = siamese.layers[-1]
    assert isinstance(last, nn.Linear)
    assert torch.allclose(outputs, features @ last.weight.T + last.bias, atol=1e-6)


def test_an_mlp_has_the_layers_asked_for() -> None:
    mlp = head(layers=3, hidden_size=6, dropout=0.2, dropout_hidden=0.4)
    shapes = [(m.in_features, m.out_features) for m in mlp.layers if isinstance(m, nn.Linear)]
    assert shapes == [(8, 6), (6, 6), (6, 5)]
    assert [m.p for m in mlp.layers if isinstance(m, nn.Dropout)] == [0.2, 0.4, 0.4]


def test_heads_start_by_their_generator_alone() -> None:
    torch.manual_seed(1)
    first = head(7).state_dict()
    torch.manual_seed(2)
    second = head(7).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(head(8).state_dict()["layers.1.weight"], first["layers.1.weight"])
    assert not first["layers.1.bias"].any()
