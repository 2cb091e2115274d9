"""Temperatures: softmax by SciPy, planted ones, no predicted class that changes, no optimism out of sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from core.statistics import at_temperature, fit_out_of_sample, fit_temperature
from core.statistics.calibration import equal_mass_bins


def drawn(size: int, temperature: float, rng: np.random.Generator, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels from probabilities, and return these with the temperature by which they are miscalibrated."""
    logits = 1.5 * rng.normal(size=(size, classes))
    truth = softmax(logits, axis=1)
    gold = (rng.random((size, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1)
    return softmax(temperature * logits, axis=1), gold


@pytest.mark.parametrize("temperature", [0.3, 1.7, 6.0])
def test_it_divides_logits(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(size=(40, 5))
    found = at_temperature(softmax(logits, axis=1), temperature)
    assert np.allclose(found, softmax(logits / temperature, axis=1), rtol=1e-9)
    single = at_temperature(softmax(logits, axis=1).astype(np.float32), temperature)
    assert single.dtype == np.float32
    assert np.allclose(single, found, atol=1e-6)


def test_a_temperature_of_1_changes_no_bit() -> None:
    probabilities = softmax(np.random.default_rng(0).normal(size=(40, 5)), axis=1).astype(np.float32)
    assert at_temperature(probabilities, 1.0) is probabilities
    assert at_temperature(np.zeros((0, 3)), 2.0).shape == (0, 3)
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="temperature must be > 0"):
            at_temperature(probabilities, wrong)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(2, 5)), elements=st.sampled_from([0, 0.25, 0.5, 0.3])),
    st.floats(0.05, 20.0),
)
def test_the_predicted_class_never_changes(values: np.ndarray, temperature: float) -> None:
    found = at_temperature(values, temperature)
    assert np.array_equal(found.argmax(axis=1), values.argmax(axis=1))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_that_rounding_makes_equal_do_not_change(dtype: type) -> None:
    """The second is more probable by the last bit, and the first of equal ones would be predicted."""
    half = dtype(0.5)
    values = np.array([[np.nextafter(half, dtype(0)), half], [half, half], [half, np.nextafter(half, dtype(0))]])
    found = at_temperature(values, 20.0)
    assert found.argmax(axis=1).tolist() == [1, 0, 0]
    assert np.allclose(found, 0.5, atol=1e-6)


@pytest.mark.parametrize("planted", [0.5, 1.0, 2.5])
def test_a_planted_temperature_is_found(planted: float) -> None:
    probabilities, gold = drawn(20_000, planted, np.random.default_rng(1))
    fit = fit_out_of_sample(probabilities, gold, np.random.default_rng(0))
    assert fit.reason == ""
    assert fit.temperature == pytest.approx(planted, rel=0.05)
    assert fit.temperature == fit_temperature(probabilities, gold)
    assert np.allclose(fit.held_out, at_temperature(probabilities, planted), atol=0.02)


def test_no_example_takes_part_in_its_own_temperature() -> None:
    """The label of an example changes the temperatures of all other folds, and not that of its own."""
    probabilities, gold = drawn(100, 2.0, np.random.default_rng(1))
    before = fit_out_of_sample(probabilities, gold, np.random.default_rng(0)).held_out
    gold[7] = (gold[7] + 1) % 3
    changed = (fit_out_of_sample(probabilities, gold, np.random.default_rng(0)).held_out != before).any(axis=1)
    assert not changed[7]
    assert changed.sum() == 80


def test_what_is_measured_out_of_sample_is_not_optimistic() -> None:
    """Over many small samples, likelihood and ECE are on average no better than on new examples."""
    rng = np.random.default_rng(2)

    def loss(probabilities: np.ndarray, gold: np.ndarray) -> float:
        return float(-np.log(probabilities[np.arange(len(gold)), gold]).mean())

    def ece(probabilities: np.ndarray, gold: np.ndarray) -> float:
        excess = probabilities.max(axis=1) - (probabilities.argmax(axis=1) == gold)
        return float(np.abs(np.bincount(equal_mass_bins(probabilities.max(axis=1)), excess)).sum() / len(gold))

    new, new_gold = drawn(4_000, 2.0, rng)
    excess_out, excess_in, ece_gain = [], [], []
    for _ in range(80):
        probabilities, gold = drawn(60, 2.0, rng)
        fit = fit_out_of_sample(probabilities, gold, rng)
        truth = loss(at_temperature(new, fit.temperature), new_gold)
        excess_out.append(loss(fit.held_out, gold) - truth)
        excess_in.append(loss(at_temperature(probabilities, fit.temperature), gold) - truth)
        other, other_gold = drawn(60, 2.0, rng)
        ece_gain.append(ece(fit.held_out, gold) - ece(at_temperature(other, fit.temperature), other_gold))
    error = np.std(excess_out) / np.sqrt(len(excess_out))
    assert np.mean(excess_out) > -2.5 * error
    assert np.mean(ece_gain) > -2.5 * np.std(ece_gain) / np.sqrt(len(ece_gain))
    assert np.mean(excess_in) < np.mean(excess_out) - 0.005


@pytest.mark.parametrize(
    ("size", "change", "reason"),
    [
        (49, "", "49 dev examples are too few, it takes 50"),
        (1, "", "1 dev example is too few, it takes 50"),
        (60, "one class", "all dev examples are of one class"),
        (60, "all right", "all predictions on dev are right, so that no temperature is the best"),
        (60, "guessed", "none from 0.05 to 20 is the best"),
    ],
)
def test_where_none_is_fitted(size: int, change: str, reason: str) -> None:
    probabilities, gold = drawn(size, 1.0, np.random.default_rng(3))
    if change == "one class":
        gold[:] = 1
    elif change == "all right":
        gold = probabilities.argmax(axis=1)
    elif change == "guessed":
        gold = probabilities.argmin(axis=1)
    fit = fit_out_of_sample(probabilities, gold, np.random.default_rng(0))
    assert (fit.temperature, fit.reason) == (1.0, reason)
    assert fit.held_out is probabilities
