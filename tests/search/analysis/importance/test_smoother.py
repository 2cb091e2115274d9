"""Local linear means: exact on lines, and intervals of differences like Tukey's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from search.analysis.importance.smoother import Smoothed, smooth


def test_a_line_is_found_again() -> None:
    """Local linear means are exact on lines, also at their ends."""
    x = np.random.default_rng(0).random((30, 1))
    points = np.linspace(x.min(), x.max(), 9)[:, None]
    found = smooth(x, 3.0 * x[:, 0] - 1.0, points)
    assert found.means == pytest.approx(3.0 * points[:, 0] - 1.0, abs=0.02)  # the ridge on slopes bends them a little
    assert found.half_widths.max() < 0.02


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_gap_that_chance_makes_holds_zero(dimensions: int) -> None:
    """The best and the worst of many points, chosen for their difference, where all true means are the same."""
    rng, above = np.random.default_rng(0), []
    for _ in range(60):
        x = rng.random((40, dimensions))
        found = smooth(x, rng.normal(size=40), np.linspace(x.min(axis=0), x.max(axis=0), 25))
        best, worst = found.means.argmax(), found.means.argmin()
        above.append(found.means[best] - found.means[worst] > found.gap_half_widths()[best, worst])
    assert np.mean(above) <= 0.1


def test_gaps_of_choices_have_tukeys_intervals() -> None:
    """Means of 4 groups of 10, noise 1: the studentized range, over the root of 2, of 4 groups and 36 degrees."""
    weights = np.kron(np.eye(4), np.full(10, 0.1))
    widths = Smoothed(np.zeros(4), weights, 1.0, 36.0).gap_half_widths()
    expected = stats.studentized_range.ppf(0.95, 4, 36) / np.sqrt(10.0)
    assert widths[~np.eye(4, dtype=bool)] == pytest.approx(expected, rel=0.03)
    assert np.diag(widths) == pytest.approx(0.0)


def test_half_widths_are_those_of_a_mean() -> None:
    """The mean of 10 observations with noise 2: t(0.975, 9) 2 / sqrt(10)."""
    found = Smoothed(np.zeros(1), np.full((1, 10), 0.1), 2.0, 9.0)
    assert found.half_widths == pytest.approx([stats.t.ppf(0.975, 9) * 2.0 / np.sqrt(10.0)])


def test_weights_sum_to_1_and_the_noise_is_found() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((400, 1))
    found = smooth(x, np.sin(3.0 * x[:, 0]) + 0.3 * rng.normal(size=400), np.array([[0.2], [0.5]]))
    assert found.weights.sum(axis=1) == pytest.approx(1.0)
    assert found.noise == pytest.approx(0.3, rel=0.1)
    assert found.means == pytest.approx(np.sin([0.6, 1.5]), abs=0.1)
    assert 380 < found.freedom < 400
