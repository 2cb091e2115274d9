"""Binary cross-entropy against cross-entropy over two classes."""

from __future__ import annotations

import pytest
import torch

from core.losses import BinaryCrossEntropy, CrossEntropy


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
