"""Calibration against scikit-learn and closed forms; its intervals where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.calibration import calibration_curve

from core.statistics import calibration_of, fit_temperature


def two_classes(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities whose first class is the predicted one, and gold labels."""
    return np.stack([confidence, 1.0 - confidence], axis=1), np.where(right, 0, 1)


def drawn(size: int, sharpness: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw confidences, true probabilities of being right, and outcomes; with sharpness 1 the first two are equal."""
    truth = 0.5 + 0.49 * rng.beta(2, 2, size)
    logit = sharpness * np.log(truth / (1.0 - truth))
    return 1.0 / (1.0 + np.exp(-logit)), truth, rng.random(size) < truth


def test_bins_are_those_of_scikit_learn() -> None:
    confidence, _, right = drawn(500, 1.7, np.random.default_rng(0))
    found = calibration_of(*two_classes(confidence, right), np.random.default_rng(1))
    accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
    assert [one.accuracy for one in found.bins] == pytest.approx(accuracy)
    assert [one.confidence for one in found.bins] == pytest.approx(mean)
    assert [one.count for one in found.bins] == [50] * 10
    assert found.error.value == pytest.approx(np.abs(accuracy - mean).mean())  # the bins are equally large
    first = found.bins[0]
    wilson = stats.binomtest(round(50 * first.accuracy), 50).proportion_ci(method="wilson")
    assert (first.low, first.high) == pytest.approx((wilson.low, wilson.high))


def test_examples_of_one_confidence_are_in_one_bin_as_in_scikit_learn() -> None:
    confidence, _, right = drawn(500, 1.7, np.random.default_rng(0))
    confidence = confidence.round(1)
    found = calibration_of(*two_classes(confidence, right), np.random.default_rng(1))
    accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
    assert len(found.bins) < 7
    assert [one.accuracy for one in found.bins] == pytest.approx(accuracy)
    assert [one.confidence for one in found.bins] == pytest.approx(mean)


def test_the_error_and_the_gap_by_hand() -> None:
    """Two confidences: .9, right in 6 of 10; and .6, right in 9 of 10."""
    confidence = np.repeat([0.9, 0.6], 10)
    right = np.tile(np.arange(10), 2) < np.repeat([6, 9], 10)
    found = calibration_of(*two_classes(confidence, right), np.random.default_rng(0))
    assert [(one.confidence, one.accuracy, one.count) for one in found.bins] == [
        (pytest.approx(0.6), 0.9, 10),
        (pytest.approx(0.9), 0.6, 10),
    ]
    assert found.error.value == pytest.approx(0.3)
    assert found.gap.value == pytest.approx(0.0)
    half = 1.959964 * np.std(confidence - right) / math.sqrt(20)
    assert (found.gap.low, found.gap.high) == pytest.approx((-half, half))


def test_more_bins_only_with_enough_examples() -> None:
    for size, bins in ((30, 5), (245, 6), (4000, 10)):
        confidence, _, right = drawn(size, 1.0, np.random.default_rng(size))
        assert len(calibration_of(*two_classes(confidence, right), np.random.default_rng(0)).bins) == bins


@pytest.mark.parametrize(("confidence", "accuracy"), [(0.9, 0.7), (0.6, 0.8)])
def test_the_temperature_of_a_single_confidence(confidence: float, accuracy: float) -> None:
    """The best is the one with which the confidence is the accuracy: T = logit(p) / logit(a)."""
    right = np.arange(100) < 100 * accuracy
    temperature = fit_temperature(*two_classes(np.full(100, confidence), right))
    logit = [math.log(p / (1 - p)) for p in (confidence, accuracy)]
    assert temperature == pytest.approx(logit[0] / logit[1], rel=1e-4)
    found = calibration_of(*two_classes(np.full(100, confidence), right), np.random.default_rng(0))
    assert found.error.value == pytest.approx(abs(confidence - accuracy))
    assert found.fit.temperature == temperature
    # Out of sample, a fold has the accuracy of the others as its confidence, which is too low where its own is high.
    confidences = found.fit.held_out[:, 0]
    for one in np.unique(confidences.round(9)):
        own = np.isclose(confidences, one, atol=1e-9)
        assert own.sum() in {20, 40, 60, 80, 100}
    assert confidences.mean() == pytest.approx(accuracy, abs=1e-3)
    assert 0.0 < found.error_tempered.value < 0.1 < found.error.value + 1e-9


def test_a_temperature_is_found_again() -> None:
    """Labels of five classes drawn from probabilities, which are then sharpened; float32, as predictions are stored."""
    rng = np.random.default_rng(0)
    logits = 2.0 * rng.normal(size=(4000, 5))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gold = (rng.random((4000, 1)) > truth.cumsum(axis=1)).sum(axis=1)
    sharp = truth**2.5 / (truth**2.5).sum(axis=1, keepdims=True)
    assert fit_temperature(sharp.astype(np.float32), gold) == pytest.approx(2.5, rel=0.06)
    found = calibration_of(sharp.astype(np.float32), gold, rng)
    assert found.gap.low > 0.05
    assert found.error_tempered.high < 0.5 * found.error.low
    assert found.error_tempered.value < 0.3 * found.error.value


@pytest.mark.filterwarnings("error")
def test_predictions_that_say_nothing_and_that_say_all() -> None:
    gold = np.arange(40) % 2
    constant = calibration_of(np.full((40, 2), 0.5), gold, np.random.default_rng(0))
    assert len(constant.bins) == 1
    assert constant.error.value == 0.0
    perfect = calibration_of(np.eye(2)[gold], gold, np.random.default_rng(0))
    assert (perfect.error.value, perfect.error.high, perfect.gap.value) == (0.0, 0.0, 0.0)


@given(st.integers(10, 120), st.floats(0.3, 3.0), st.integers(0, 10**6))
@settings(max_examples=25)
def test_the_error_is_between_the_gap_and_its_interval(size: int, sharpness: float, seed: int) -> None:
    confidence, _, right = drawn(size, sharpness, np.random.default_rng(seed))
    found = calibration_of(*two_classes(confidence, right), np.random.default_rng(0))
    assert found.error.value >= abs(found.gap.value) - 1e-12
    assert 0.0 <= found.error.low <= found.error.value <= found.error.high
    assert sum(one.count for one in found.bins) == size


@pytest.mark.parametrize("sharpness", [1.0, 1.3, 2.0])
def test_the_interval_of_the_error_holds_the_truth(sharpness: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth from a large draw, in the bins of 245 examples' quantiles."""
    monkeypatch.setattr("core.statistics.calibration._RESAMPLES", 200)
    rng = np.random.default_rng(3)
    confidence, truth, _ = drawn(200_000, sharpness, rng)
    bins = np.searchsorted(np.quantile(confidence, np.linspace(0, 1, 7))[1:-1], confidence)
    true_error = np.abs(np.bincount(bins, confidence - truth)).sum() / len(bins)
    held, naive, middle = 0, [], []
    for _ in range(100):
        confidence, _, right = drawn(245, sharpness, rng)
        found = calibration_of(*two_classes(confidence, right), rng)
        held += found.error.low - 1e-9 <= true_error + 1e-4 and true_error - 1e-4 <= found.error.high
        naive.append(found.error.value)
        middle.append((found.error.low + found.error.high) / 2.0)
        if sharpness == 1.0:
            assert found.error.low == 0.0 or not found.gap.holds_zero or found.error.value > found.chance
    assert held >= 84
    assert np.mean(naive) > true_error  # chance makes it too large
    if sharpness == 1.3:  # half of it is corrected
        assert np.mean(middle) < (np.mean(naive) + true_error) / 2.0
