"""The cosine embedding loss, against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from core.losses import CosineEmbedding
from core.model.pair_features import PAIR_FEATURES

GOLD = torch.tensor([1, 0, 1, 0, 0, 1, 0, 1])


@pytest.mark.parametrize("margin", [-0.5, 0.0, 0.4])
def test_it_is_pytorchs(margin: float) -> None:
    torch.manual_seed(0)
    u, v = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 3, dtype=torch.float64)
    cosines = PAIR_FEATURES["cos"].function(u, v)
    expected = F.cosine_embedding_loss(u, v, 2 * GOLD - 1, margin=margin)
    assert torch.allclose(CosineEmbedding(margin, 0.5).loss(cosines, GOLD), expected, rtol=1e-12)


def test_by_hand() -> None:
    cosines = torch.tensor([[0.9], [0.9], [-0.2], [0.1]])
    # positive .1, negative .9 - .3, positive 1.2, negative below the margin
    loss = CosineEmbedding(0.3, 0.5).loss(cosines, torch.tensor([1, 0, 1, 0]))
    assert loss.item() == pytest.approx((0.1 + 0.6 + 1.2 + 0.0) / 4)


@pytest.mark.parametrize("threshold", [-0.3, 0.0, 0.5, 0.9])
def test_probabilities_rise_with_the_cosine_and_turn_at_the_threshold(threshold: float) -> None:
    cosines = torch.linspace(-1, 1, 201).unsqueeze(-1)
    loss = CosineEmbedding(0.0, threshold)
    predicted = loss.predict(cosines)
    assert (predicted[:, 1].diff() > 0).all()
    assert torch.allclose(predicted.sum(-1), torch.ones(201))
    ends = loss.predict(torch.tensor([[-1.0], [threshold], [1.0]]))
    assert ends[:, 1].tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert ends[1].tolist() == [0.5, 0.5]
    around = loss.predict(torch.tensor([[threshold - 1e-4], [threshold + 1e-4]]))
    assert around.argmax(-1).tolist() == [0, 1]


def test_a_cosine_beyond_one_by_rounding_gives_a_probability() -> None:
    predicted = CosineEmbedding(0.0, 0.5).predict(torch.tensor([[1.0000002], [-1.0000002]]))
    assert predicted.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_divergence_is_in_cosines() -> None:
    a, b = torch.tensor([[1.0], [0.2]]), torch.tensor([[-1.0], [0.4]])
    assert CosineEmbedding(0.0, 0.5).divergence(a, b).item() == pytest.approx((4 + 0.04) / 2)
