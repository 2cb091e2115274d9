"""The Pearson loss, against SciPy, and where there is no correlation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from core.losses.pearson import negative_correlation
from core.losses.score_reading import read_as

READING = read_as("cos", 0.0, 5.0)


def loss_and_gradient(outputs: Tensor, gold: Tensor) -> tuple[float, Tensor]:
    outputs = outputs.clone().requires_grad_()
    value = negative_correlation(READING, outputs, gold)
    (gradient,) = torch.autograd.grad(value, outputs)
    return value.item(), gradient


@pytest.mark.parametrize("size", [3, 8, 64])
@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_it_is_minus_scipys_r(size: int, spread: float) -> None:
    torch.manual_seed(size)
    outputs = 0.5 + spread * torch.randn(size, 1, dtype=torch.float64)
    gold = 5 * torch.rand(size, dtype=torch.float64)
    expected = -stats.pearsonr(outputs[:, 0].numpy(), gold.numpy()).statistic
    assert negative_correlation(READING, outputs, gold).item() == pytest.approx(expected, rel=1e-10)
    single = negative_correlation(READING, outputs.float(), gold.float())
    assert single.item() == pytest.approx(expected, abs=1e-6 / spread)


def test_gradient() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(6, 1, dtype=torch.float64, requires_grad=True)
    gold = torch.rand(6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda o: negative_correlation(READING, o, gold), outputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("outputs", "gold"),
    [
        ([0.3, 0.3, 0.3], [1.0, 2.0, 3.0]),
        ([0.1, 0.2, 0.3], [2.2, 2.2, 2.2]),  # their float32 mean is not exactly 2.2
        ([0.7] * 7, [1.1] * 7),
        ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]),
        ([0.4], [2.0]),  # the last batch of a pass may be short
    ],
)
def test_a_constant_side_gives_zero_and_a_zero_gradient(
    outputs: list[float], gold: list[float], dtype: torch.dtype
) -> None:
    """The quotient of two zeros is NaN; a root guarded on its outside has a NaN gradient; rounding errors correlate."""
    value, gradient = loss_and_gradient(
        torch.tensor(outputs, dtype=dtype).unsqueeze(-1), torch.tensor(gold, dtype=dtype)
    )
    assert value == 0.0
    assert torch.equal(gradient, torch.zeros(len(outputs), 1, dtype=dtype))


def test_outputs_that_differ_by_rounding_only_are_constant() -> None:
    rounding = 4 * float(np.spacing(np.float32(0.5)))  # some steps of the scores, which are near 4
    value, gradient = loss_and_gradient(torch.tensor([[0.5], [0.5 + rounding], [0.5]]), torch.tensor([1.0, 4.0, 2.0]))
    assert value == 0.0
    assert not gradient.any()


def test_small_but_real_differences_count() -> None:
    outputs = 0.5 + 1e-4 * torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    value, _ = loss_and_gradient(outputs, torch.tensor([0.0, 1.0, 2.0, 3.0]))
    assert value == pytest.approx(-1.0, abs=1e-5)


def test_two_points_always_correlate() -> None:
    value, gradient = loss_and_gradient(torch.tensor([[0.1], [0.4]]), torch.tensor([1.0, 0.0]))
    assert value == pytest.approx(1.0)
    assert gradient.abs().max() < 1e-5


def test_relu_of_cosines_below_zero_is_constant() -> None:
    outputs = torch.tensor([[-0.1], [-0.4], [-0.2]], requires_grad=True)
    value = negative_correlation(read_as("relu-cos", 0.0, 5.0), outputs, torch.tensor([1.0, 2.0, 3.0]))
    (gradient,) = torch.autograd.grad(value, outputs)
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_broken_outputs_are_not_hidden(broken: float) -> None:
    """A diverged run must be seen in its loss, not counted as a batch without correlation."""
    outputs = torch.tensor([[0.1], [broken], [0.2]])
    assert not negative_correlation(READING, outputs, torch.tensor([1.0, 2.0, 3.0])).isfinite()
    everywhere = torch.full((3, 1), broken)
    assert not negative_correlation(READING, everywhere, torch.tensor([1.0, 2.0, 3.0])).isfinite()
