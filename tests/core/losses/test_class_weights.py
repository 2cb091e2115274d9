"""Weights of classes by their training examples, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from core.losses.class_weights import balanced, given, mean_one


def test_full_balance_is_scikit_learns() -> None:
    gold = np.array([0] * 5 + [1] * 2 + [2] * 13)
    counts = np.bincount(gold)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=gold)
    assert mean_one(balanced(1.0)(counts), counts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("balance", [0.3, 0.5, 1.0])
def test_weights_have_mean_one_over_the_training_examples(balance: float) -> None:
    counts = np.array([5, 1, 200, 0, 31])
    weights = mean_one(balanced(balance)(counts), counts)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1.0, rel=1e-12)
    # Between the classes: the ratio of the counts, to the power of the balance.
    assert weights[1] / weights[2] == pytest.approx(200**balance, rel=1e-12)
    assert weights[3] == 0  # no such example: no matter


def test_given_weights_are_rescaled_to_the_examples_there_are() -> None:
    counts = np.array([6, 2])
    assert mean_one(given((1.0, 3.0))(counts), counts) == pytest.approx([2 / 3, 2.0])
    assert mean_one(given((10.0, 30.0))(counts), counts) == pytest.approx([2 / 3, 2.0])
