"""Scores as classes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.losses import CrossEntropy, ScoreClasses
from core.losses.class_weights import balanced

ScoreFrom = Literal["expected", "argmax"]


def score_classes(low: float, high: float, classes: int, score_from: ScoreFrom = "expected") -> ScoreClasses:
    return ScoreClasses(low, high, score_from, CrossEntropy(classes))


@pytest.mark.parametrize(
    ("low", "high", "classes", "gold", "expected"),
    [
        # Halves go up: rounded to even, 0.5, 2.5 and 4.5 would go down.
        (0.0, 5.0, 6, [0, 0.49, 0.5, 1.5, 2.5, 3.5, 4.5, 5], [0, 0, 1, 2, 3, 4, 5, 5]),
        (0.0, 5.0, 11, [0, 0.2, 0.25, 2.5, 4.74, 5], [0, 0, 1, 5, 9, 10]),
        (-1.0, 1.0, 3, [-1, -0.5, -0.4, 0.49, 0.5, 1], [0, 1, 1, 1, 2, 2]),
        (1.0, 4.0, 2, [1, 2.4, 2.5, 4], [0, 0, 1, 1]),
        (0.0, 5.0, 6, [-0.7, 5.9], [0, 5]),  # outside the range: the outermost
    ],
)
def test_the_nearest_class(low: float, high: float, classes: int, gold: list[float], expected: list[int]) -> None:
    assert score_classes(low, high, classes).nearest(torch.tensor(gold)).tolist() == expected


def test_the_loss_is_cross_entropy_on_the_nearest_class() -> None:
    torch.manual_seed(0)
    outputs, gold = torch.randn(5, 6, dtype=torch.float64), torch.tensor([0.2, 1.5, 5.0, 3.4, 2.6])
    expected = F.cross_entropy(outputs, torch.tensor([0, 2, 5, 3, 3]))
    assert torch.equal(score_classes(0, 5, 6).loss(outputs, gold), expected)


def test_the_expected_score_is_the_mean_under_the_probabilities() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(7, 5, dtype=torch.float64) * 2
    p = np.exp(outputs.numpy())
    p /= p.sum(1, keepdims=True)
    expected = p @ np.array([-1.0, 0.0, 1.0, 2.0, 3.0])
    assert score_classes(-1, 3, 5).predict(outputs).numpy() == pytest.approx(expected, rel=1e-12)


def test_argmax_is_the_score_of_the_most_probable_class() -> None:
    outputs = torch.tensor([[0.0, 1.0, 0.9], [3.0, 0.0, 0.0], [0.0, 0.0, 0.1]])
    assert score_classes(2, 3, 3, "argmax").predict(outputs).tolist() == [2.5, 2.0, 3.0]


@pytest.mark.parametrize("score_from", ["expected", "argmax"])
def test_a_sure_model_predicts_the_class_scores(score_from: ScoreFrom) -> None:
    predicted = score_classes(0, 5, 6, score_from).predict(50 * torch.eye(6))
    assert predicted.tolist() == pytest.approx([0, 1, 2, 3, 4, 5])


def test_weights_count_the_nearest_classes() -> None:
    gold = np.array([0.0, 0.1, 0.4, 4.8], dtype=np.float32)
    loss = ScoreClasses(0.0, 5.0, "expected", CrossEntropy(6, weighting=balanced(1.0)))
    loss.prepare(gold)
    plain = score_classes(0, 5, 6)
    outputs = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    for label, weight in ((0.3, 4 / 6), (5.0, 2.0)):
        batch = torch.full((2,), label)
        assert torch.allclose(loss.loss(outputs, batch), weight * plain.loss(outputs, batch))


def test_divergence_compares_probabilities_not_scores() -> None:
    """Two distributions of the same mean are apart."""
    a, b = torch.tensor([[0.0, 9.0, 0.0]]), torch.tensor([[9.0, 0.0, 9.0]])
    loss = score_classes(0, 2, 3)
    assert torch.allclose(loss.predict(a), loss.predict(b))
    assert torch.equal(loss.divergence(a, b), CrossEntropy(3).divergence(a, b))
    assert loss.divergence(a, b) > 1
