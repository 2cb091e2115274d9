"""Binary cross-entropy against cross-entropy over two classes."""

from __future__ import annotations

import pytest
import torch

from core.losses import BinaryCrossEntropy, CrossEntropy
from core.losses.bce import soft_cross_entropy
from core.losses.score_reading import read_as


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_bce_equals_cross_entropy_on_logits_zero_and_z() -> None:
    z, y = torch.randn(6, 1, dtype=torch.float64), torch.randn(6, 1, dtype=torch.float64)
    gold = torch.tensor([0, 1, 1, 0, 1, 0])
    two = torch.cat([torch.zeros_like(z), z], dim=-1)
    assert torch.allclose(BinaryCrossEntropy().loss(z, gold), CrossEntropy(2).loss(two, gold), rtol=1e-12)
    assert torch.allclose(BinaryCrossEntropy().predict(z), two.softmax(-1), rtol=1e-12)
    others = torch.cat([torch.zeros_like(y), y], dim=-1)
    assert torch.allclose(BinaryCrossEntropy().divergence(z, y), CrossEntropy(2).divergence(two, others), rtol=1e-12)


def test_bce_stays_finite_for_large_logits() -> None:
    z = torch.tensor([[200.0], [-200.0]])
    assert BinaryCrossEntropy().loss(z, torch.tensor([0, 1])).item() == pytest.approx(200.0)
    assert BinaryCrossEntropy().divergence(z, -z).item() == pytest.approx(400.0)


def test_scores_are_probabilities_of_the_second_class() -> None:
    """A gold score 3/5 of the way up its range counts as 3/5 of the loss of class 1 and 2/5 of that of class 0."""
    z, reading = torch.randn(4, 1, dtype=torch.float64), read_as("sigmoid", 0.0, 5.0)
    gold = torch.tensor([0.0, 1.0, 3.0, 5.0], dtype=torch.float64)
    by_class = [
        torch.stack([BinaryCrossEntropy().loss(z[i : i + 1], torch.tensor([label])) for i in range(4)])
        for label in (0, 1)
    ]
    expected = ((1 - gold / 5) * by_class[0] + gold / 5 * by_class[1]).mean()
    assert torch.allclose(soft_cross_entropy(reading, z, gold), expected, rtol=1e-12)
    at_gold = torch.logit(torch.tensor([[0.2], [0.6]], dtype=torch.float64)).requires_grad_()
    soft_cross_entropy(reading, at_gold, torch.tensor([1.0, 3.0], dtype=torch.float64)).backward()
    assert at_gold.grad is not None
    assert at_gold.grad.abs().max() < 1e-15
