"""Thresholds: curves by hand, limits of SciPy, and the precision on new examples where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

from core.statistics import ConfidenceCurve, at_temperature, confidence_curves, find_thresholds, fit_out_of_sample

CLASSES = ("a", "b", "c")


def test_curves_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
    curves = confidence_curves(("yes", "no"), probabilities, np.array([0, 1, 0, 0, 0]))
    assert curves["yes"] == ConfidenceCurve((0.6, 0.7, 0.9), (4, 2, 1), (3, 2, 1))
    assert curves["no"] == ConfidenceCurve((0.8,), (1,), (0,))
    nothing = confidence_curves(("x", "y", "z"), np.eye(3)[[0, 1]], np.array([0, 1]))
    assert nothing["z"] == ConfidenceCurve((), (), ())
    assert nothing["z"].first(0.5) is None


def test_a_curve_has_twenty_steps_at_most_and_begins_with_all() -> None:
    rng = np.random.default_rng(0)
    probabilities, gold = softmax(rng.normal(size=(3001, 3)), axis=1), rng.integers(3, size=3001)
    curves = confidence_curves(CLASSES, probabilities, gold)
    predicted = probabilities.argmax(axis=1)
    for index, name in enumerate(CLASSES):
        curve, own = curves[name], predicted == index
        assert len(curve.confidence) == 20
        assert curve.answered[0] == own.sum()
        for least, answered, right in zip(curve.confidence, curve.answered, curve.right, strict=True):
            sure = own & (probabilities.max(axis=1) >= least)
            assert (answered, right) == (sure.sum(), (sure & (gold == index)).sum())
        assert np.allclose(np.diff(curve.answered), -own.sum() / 20, atol=1)


def test_the_lowest_threshold_whose_limit_reaches_the_target() -> None:
    curve = ConfidenceCurve((0.3, 0.6, 0.8), (200, 150, 100), (170, 146, 100))

    def limit(right: int, count: int) -> float:
        test = stats.binomtest(right, count, alternative="greater")
        return float(test.proportion_ci(0.9, method="exact").low)

    for step, (right, count) in enumerate(zip(curve.right, curve.answered, strict=True)):
        assert curve.first(limit(right, count) - 1e-9) == step
    assert curve.first(limit(100, 100) + 1e-9) is None
    # The counted precision of 146 / 150 is not enough.
    assert curve.first(0.96) == 2


def test_thresholds_with_their_coverage() -> None:
    curves = {
        "sure": ConfidenceCurve((0.4, 0.9), (100, 50), (100, 50)),
        "unsure": ConfidenceCurve((0.4, 0.7), (300, 200), (200, 190)),
        "never": ConfidenceCurve((0.4,), (50,), (20,)),
    }
    found = find_thresholds(curves, 0.9, 450)
    assert found.of_class == {"sure": 0.0, "unsure": 0.7, "never": math.inf}
    assert (found.answered, found.right) == (300, 290)
    wilson = stats.binomtest(300, 450).proportion_ci(method="wilson")
    coverage = found.coverage
    assert (coverage.value, coverage.low, coverage.high) == pytest.approx((300 / 450, wilson.low, wilson.high))
    for wrong in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match="precision must be above 0 and below 1"):
            find_thresholds(curves, wrong, 450)


@pytest.mark.parametrize(("target", "size"), [(0.85, 500), (0.9, 1500)])
def test_new_examples_have_the_precision(target: float, size: int) -> None:
    """Overconfident predictions. A class misses the target in at most a tenth of dev sets."""
    rng = np.random.default_rng(4)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        logits = 2.5 * rng.normal(size=(count, 3))
        truth = softmax(logits, axis=1)
        gold = (rng.random((count, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 2)
        return softmax(2.0 * logits, axis=1), gold, truth

    new, _, truth = drawn(8_000)
    predicted, missed, answered = new.argmax(axis=1), 0, 0
    for _ in range(25):
        probabilities, gold, _ = drawn(size)
        fit = fit_out_of_sample(probabilities, gold, rng)
        found = find_thresholds(confidence_curves(CLASSES, fit.held_out, gold), target, size)
        confidence = at_temperature(new, fit.temperature).max(axis=1)
        for index, name in enumerate(CLASSES):
            sure = (predicted == index) & (confidence >= found.of_class[name])
            if sure.any():
                precision = truth[sure, index].mean()
                answered, missed = answered + 1, missed + (precision < target)
        covered = (confidence >= np.array([found.of_class[name] for name in CLASSES])[predicted]).mean()
        assert abs(covered - found.coverage.value) < 6 * math.sqrt(0.25 / size)
    assert answered > 50
    assert missed < 0.1 * answered
