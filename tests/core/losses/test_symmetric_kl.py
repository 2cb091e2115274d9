"""Symmetric KL against its definition and PyTorch, for extreme logits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from core.losses.symmetric_kl import symmetric_kl


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_symmetric_kl_is_both_directions() -> None:
    a, b = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    p, q = a.softmax(-1), b.softmax(-1)
    expected = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean()
    assert torch.allclose(symmetric_kl(a, b), expected, rtol=1e-12)
    there = F.kl_div(b.log_softmax(-1), p, reduction="batchmean") + F.kl_div(
        a.log_softmax(-1), q, reduction="batchmean"
    )
    assert torch.allclose(symmetric_kl(a, b), there, rtol=1e-12)


def test_symmetric_kl_of_large_logits() -> None:
    """Logarithms of probabilities that underflow would make it infinite, and its gradient NaN."""
    a = torch.tensor([[500.0, 0.0, 0.0]], requires_grad=True)
    b = torch.tensor([[0.0, 500.0, 0.0]], requires_grad=True)
    value = symmetric_kl(a, b)
    assert value.item() == pytest.approx(1000.0)
    value.backward()  # type: ignore[no-untyped-call]
    assert a.grad is not None
    assert a.grad.isfinite().all()
    assert b.grad is not None
    assert b.grad.isfinite().all()


def test_symmetric_kl_is_never_negative() -> None:
    """Written as a difference of entropies it is, by rounding, for outputs that are almost equal."""
    a = torch.randn(500, 1, 5) * 3
    for size in (1e-7, 1e-6, 1e-5):
        assert all(symmetric_kl(logits, logits + size * torch.randn(1, 5)) >= 0 for logits in a)
