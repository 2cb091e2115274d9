"""Pair features, and the cosine of zero vectors."""

from __future__ import annotations

import pytest
import torch

from core.model.pair_features import PAIR_FEATURES, cosine


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_pair_features() -> None:
    u, v = torch.randn(2, 3), torch.randn(2, 3)
    assert torch.equal(PAIR_FEATURES["uv"].function(u, v), torch.cat([u, v], -1))
    assert torch.equal(PAIR_FEATURES["uv-diff"].function(u, v), torch.cat([u, v, v - u], -1))
    assert torch.equal(PAIR_FEATURES["uv-absdiff"].function(u, v), torch.cat([u, v, (u - v).abs()], -1))
    assert all(f.function(u, v).shape == (2, f.width(3)) for f in PAIR_FEATURES.values())


def test_cosine() -> None:
    u, v = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    expected = (u * v).sum(-1) / (u.norm(dim=-1) * v.norm(dim=-1))
    assert torch.allclose(cosine(u, v), expected.unsqueeze(-1), rtol=1e-12)
    assert torch.allclose(cosine(3 * u, 0.01 * v), expected.unsqueeze(-1), rtol=1e-12)


def test_a_zero_vector_has_cosine_zero_and_no_gradient() -> None:
    """The usual guard, max(norm, 1e-8), makes it 1e8."""
    u = torch.tensor([[0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    v = torch.tensor([[1.0, 2.0], [0.0, 0.0]], requires_grad=True)
    cosines = cosine(u, v)
    assert cosines.tolist() == [[0.0], [0.0]]
    for gradient in torch.autograd.grad(cosines.sum(), [u, v]):
        assert not gradient.any()
    mixed = cosine(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[1.0, 1.0], [3.0, 4.0]]))
    assert mixed.flatten().tolist() == pytest.approx([0.0, 1.0])
    assert cosine(torch.full((1, 2), float("nan")), torch.ones(1, 2)).isnan().all()
