"""Dropout drops the right share, scales what it keeps, and passes back the same mask."""

from __future__ import annotations

import math

import pytest
import torch

from core.model.dropout import Dropout, draw_kept


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 0.003])
def test_share_and_scale(p: float) -> None:
    torch.manual_seed(0)
    kept, scale = draw_kept(torch.empty(1001, 999), p)  # not a multiple of four
    dropped = 1 - kept.double().mean().item()
    assert abs(dropped - p) < 5 * math.sqrt(p * (1 - p) / kept.numel()) + 2**-16
    assert scale == pytest.approx(1 / (1 - p), rel=1e-4)
    # The four numbers of a word, and neighbouring words, are independent.
    flat = kept.flatten()[: 1001 * 998].double() - (1 - p)
    for lag in (1, 2, 3, 4, 5):
        correlation = (flat[lag:] * flat[:-lag]).mean() / (p * (1 - p))
        assert abs(correlation) < 5 / math.sqrt(len(flat))


def test_the_scale_is_the_inverse_of_the_exact_share() -> None:
    """p = .1 is rounded to 6554 / 65536; then the mean is 1."""
    assert draw_kept(torch.empty(1000), 0.1)[1] == 65536 / (65536 - 6554)


def test_a_probability_close_to_one_still_has_a_finite_scale() -> None:
    assert math.isfinite(draw_kept(torch.empty(10), 1 - 1e-9)[1])


def test_gradient_and_repetition() -> None:
    layer, x = Dropout(0.3), torch.randn(50, 4, requires_grad=True)
    torch.manual_seed(1)
    y = layer(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(y, x * x.grad)
    torch.manual_seed(1)
    assert torch.equal(layer(x), y)
    assert not torch.equal(layer(x), y)


def test_nothing_is_drawn_without_dropout() -> None:
    state, x = torch.get_rng_state(), torch.randn(3)
    state = torch.get_rng_state()
    assert Dropout(0.0)(x) is x
    assert Dropout(0.5).eval()(x) is x
    assert torch.equal(torch.get_rng_state(), state)


def test_bfloat16_keeps_its_type_and_the_exact_scale() -> None:
    """1 / .9 is 1.1094 in bfloat16, which would make all units .16 % too small."""
    x = torch.linspace(1, 2, 10_000).bfloat16().requires_grad_()
    y = Dropout(0.1)(x)
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    kept = y != 0
    assert torch.equal(y[kept], (x[kept].double() * 65536 / (65536 - 6554)).bfloat16())
    assert x.grad is not None
    assert torch.equal(x.grad[kept], torch.full_like(y[kept], 65536 / (65536 - 6554)))
    assert not x.grad[~kept].any()
