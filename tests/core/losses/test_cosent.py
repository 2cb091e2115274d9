"""CoSENT, against the double sum written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.losses.cosent import CoSent
from core.losses.score_loss import ScoreLoss
from core.losses.score_reading import read_as

COS = read_as("cos", 0.0, 5.0)


def by_hand(s: np.ndarray, y: np.ndarray, scale: float) -> float:
    """Compute log(1 + sum_{y_i < y_j} exp(scale (s_i - s_j)))."""
    pairs = [(i, j) for i in range(len(y)) for j in range(len(y)) if y[i] < y[j]]
    return float(np.log(1 + sum(np.exp(scale * (s[i] - s[j])) for i, j in pairs)))


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_the_double_sum(scale: float) -> None:
    torch.manual_seed(0)
    cosines = torch.randn(10, 1, dtype=torch.float64).tanh()
    gold = torch.tensor([0, 1, 5, 3, 3, 2, 0, 5, 1, 4], dtype=torch.float64)  # with ties
    expected = by_hand(cosines[:, 0].numpy(), gold.numpy(), scale)
    assert CoSent(scale)(COS, cosines, gold).item() == pytest.approx(expected, rel=1e-12)
    single = CoSent(scale)(COS, cosines.float(), gold.float())
    assert single.item() == pytest.approx(expected, rel=1e-5)


def test_one_pair_by_hand() -> None:
    """The example with the higher gold score should be the more similar one, not the other way round."""
    gold = torch.tensor([1.0, 4.0])
    right = CoSent(20.0)(COS, torch.tensor([[0.1], [0.6]]), gold)
    wrong = CoSent(20.0)(COS, torch.tensor([[0.6], [0.1]]), gold)
    assert right.item() == pytest.approx(np.log1p(np.exp(-10)), rel=1e-3)
    assert wrong.item() == pytest.approx(np.log1p(np.exp(10)), rel=1e-6)


def test_a_sigmoid_is_compared_in_the_unit_range() -> None:
    """In score units the scale would depend on the range."""
    z, gold = torch.tensor([[0.3], [-1.0], [2.0]], dtype=torch.float64), torch.tensor([0.0, 50.0, 20.0])
    expected = by_hand(1 / (1 + np.exp(-z[:, 0].numpy())), gold.numpy(), 20.0)
    assert CoSent(20.0)(read_as("sigmoid", 0.0, 100.0), z, gold).item() == pytest.approx(expected, rel=1e-12)


def test_negative_cosines_are_ordered_too_where_scores_are_cut_at_zero() -> None:
    """After the relu of 'relu-cos' they would be equal, and have no gradient."""
    cosines, gold = torch.tensor([[-0.2], [-0.6]], requires_grad=True), torch.tensor([0.0, 4.0])
    (gradient,) = torch.autograd.grad(CoSent(20.0)(read_as("relu-cos", 0.0, 5.0), cosines, gold), cosines)
    assert gradient[0] > 0 > gradient[1]


@pytest.mark.parametrize("gold", [[2.0, 2.0, 2.0], [2.0]])
def test_nothing_to_compare_costs_nothing(gold: list[float]) -> None:
    outputs = torch.rand(len(gold), 1, requires_grad=True)
    value = CoSent(20.0)(COS, outputs, torch.tensor(gold))
    (gradient,) = torch.autograd.grad(value, outputs)
    assert value == 0
    assert torch.equal(gradient, torch.zeros_like(outputs))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    """A mask of -1e12 is beyond float16, and minus infinity among all of them would be NaN."""
    cosines = torch.tensor([[0.9], [-0.9], [0.3]], dtype=dtype, requires_grad=True)
    gold = torch.tensor([0.0, 5.0, 3.0])
    value = ScoreLoss(COS, CoSent(20.0)).loss(cosines, gold)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(by_hand(cosines.detach().double().numpy()[:, 0], gold.numpy(), 20.0), rel=1e-6)
    (gradient,) = torch.autograd.grad(value, cosines)
    assert gradient.isfinite().all()
    assert CoSent(20.0)(COS, cosines, gold.to(dtype)).isfinite()


def test_large_scales_stay_finite() -> None:
    outputs = torch.tensor([[1.0], [-1.0]], requires_grad=True)
    value = CoSent(1000.0)(COS, outputs, torch.tensor([0.0, 5.0]))
    (gradient,) = torch.autograd.grad(value, outputs)
    assert value.item() == pytest.approx(2000.0)
    assert gradient.flatten().tolist() == pytest.approx([1000.0, -1000.0])
