"""What the winner among configurations with several seeds will score on new data: by hand, and where it is known."""

from __future__ import annotations

import math
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from core.statistics import Bags, BagScores, expect, replay_best_run, replay_mean_selection, replay_selection
from data.task_files import builtin_tasks

PARA = {"para": builtin_tasks()["para"]}
ONE = {"para": 1.0}


def test_by_hand() -> None:
    """Configuration A has two runs, the first with two checkpoints, and B has one run; the third resample selects B."""
    bags = {
        "para": BagScores(
            whole=np.array([0.6, 0.7, 0.8, 0.72]),
            inside=np.array([[0.6, 0.7, 0.8, 0.7], [0.8, 0.7, 0.7, 0.7], [0.5, 0.6, 0.7, 0.9]]),
            outside=np.array([[0.6, 0.5, 0.7, 0.6], [0.5, 0.6, 0.8, 0.7], [0.7, 0.7, 0.9, 0.5]]),
        )
    }
    runs = [[[0, 1], [2]], [[3]]]
    found = replay_mean_selection(bags, runs, 0, PARA, ONE).overall
    run_1 = [0.7 + 0.5 - 0.6, 0.6 + 0.5 - 0.6]  # checkpoints 1 and then 0 of the first run
    run_2 = [0.8 + 0.7 - 0.8, 0.8 + 0.8 - 0.8]
    summands = np.array([(run_1[0] + run_2[0]) / 2, (run_1[1] + run_2[1]) / 2, 0.72 + 0.5 - 0.6])
    half = stats.t.ppf(0.975, 2) * summands.std(ddof=1) * sqrt(1 / (math.e - 1) + 1 / 3)
    assert found.dev == pytest.approx((0.7 + 0.8) / 2)
    assert found.expected == pytest.approx(summands.mean())
    assert (found.low, found.high) == pytest.approx((summands.mean() - half, summands.mean() + half))
    best = replay_best_run(bags, runs, 2, PARA, ONE)
    assert best == expect(bags, np.array([2, 0, 3]), 2, PARA, ONE)


def test_configurations_of_one_run_are_trials() -> None:
    rng = np.random.default_rng(0)
    bags = {"para": BagScores(rng.uniform(size=6), rng.uniform(size=(50, 6)), rng.uniform(size=(50, 6)))}
    winner = int(bags["para"].whole.argmax())
    runs = [[[0, 1, 2]], [[3, 4, 5]]]
    as_trials = replay_selection(bags, winner, PARA, ONE)
    assert replay_mean_selection(bags, runs, winner // 3, PARA, ONE).overall.expected == pytest.approx(
        as_trials.overall.expected
    )
    assert replay_best_run(bags, runs, winner, PARA, ONE) == as_trials


def final(
    rng: np.random.Generator, resamples: int = 100, spread: float = 0.0, seed_spread: float = 0.0
) -> tuple[float, float, float, float, float, float]:
    """Five configurations, three seeds and three rungs each, on 200 dev examples; naive mean of the best one, what is
    expected of it with its interval, the true mean of its runs, and that of the configuration with any seed.

    ``spread`` and ``seed_spread`` are standard deviations of the true abilities of configurations and of their runs, on
    a probit scale.
    """
    shape, examples = (5, 3, 3), 200
    of_configuration = 0.8 + spread * rng.normal(size=(5, 1, 1))
    ability = of_configuration + seed_spread * rng.normal(size=(5, 3, 1)) * np.ones(shape)
    errors = (
        sqrt(0.6) * rng.normal(size=examples)
        + sqrt(0.1) * rng.normal(size=(5, 1, 1, examples))
        + sqrt(0.2) * rng.normal(size=(5, 3, 1, examples))
        + sqrt(0.1) * rng.normal(size=(*shape, examples))
    )
    flags = (ability[..., None] + errors > 0).reshape(-1, examples)
    gold = np.ones(examples, dtype=int)
    scores = Bags(examples, resamples, rng).scores(PARA["para"], [np.stack([~f, f], axis=1) for f in flags], gold)
    runs = np.arange(45).reshape(shape)
    best = scores.whole.reshape(shape).max(axis=2).mean(axis=1)
    winner = int(best.argmax())
    found = replay_mean_selection({"para": scores}, runs.tolist(), winner, PARA, ONE).overall
    assert found.dev == pytest.approx(best[winner])
    truth = float(stats.norm.cdf(ability[winner, :, 0]).mean())
    any_seed = stats.norm.cdf(of_configuration[winner, 0, 0] / sqrt(1 + seed_spread**2))
    return found.dev, found.expected, found.low, found.high, truth, float(any_seed)


@pytest.mark.parametrize(("spread", "seed_spread"), [(0.0, 0.0), (0.05, 0.1)])
def test_where_the_truth_is_known(spread: float, seed_spread: float) -> None:
    """The naive mean is two to three points too good, the expected one hardly, and the interval holds the truth."""
    rng = np.random.default_rng(1)
    found = np.array([final(rng, spread=spread, seed_spread=seed_spread) for _ in range(150)])
    naive, expected, low, high, truth, _ = found.T
    assert (naive - truth).mean() > 0.018
    assert abs((expected - truth).mean()) < 0.2 * (naive - truth).mean()
    assert ((low <= truth) & (truth <= high)).mean() >= 0.93
    assert (high - low).mean() < 0.12
