"""Intervals of means over seeds: by hand, at their edges, and whether 95 % of them hold a truth that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from core.statistics import ScoreIntervals, bootstrap_scores, counted_metric, overall_score, pooled_variance
from data.task_files import builtin_tasks

SCORES = [np.array([0.1, 0.3]), np.array([0.2, 0.2, 0.5])]
S2 = (0.02 + 0.06) / 3  # squared deviations from 0.2 and from 0.3, over 1 + 2 degrees of freedom
FREE = 3


def replicates(rows: int, *runs: int, spread: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0.5, spread, (rows, n)) for n in runs]


def test_pooled_variance_by_hand() -> None:
    assert pooled_variance(SCORES) == pytest.approx(S2)
    stacked = [np.stack([one, 2 * one]) for one in SCORES]
    assert pooled_variance(stacked) == pytest.approx([S2, 4 * S2])


def test_seeds_alone() -> None:
    """Student's t with the pooled degrees of freedom."""
    intervals = ScoreIntervals(SCORES, None)
    assert (intervals.seeds_known, intervals.examples_known) == (True, False)
    t = stats.t.ppf(0.975, FREE)
    assert intervals.half_width(0) == pytest.approx(t * math.sqrt(S2 / 2))
    assert intervals.half_width(1) == pytest.approx(t * math.sqrt(S2 / 3))
    assert intervals.difference_half_width(1, 0) == pytest.approx(t * math.sqrt(S2 * (1 / 2 + 1 / 3)))


def test_a_configuration_with_one_seed_borrows_the_spread_of_the_others() -> None:
    half = ScoreIntervals([*SCORES, np.array([0.4])], None).half_width(2)
    assert half == pytest.approx(stats.t.ppf(0.975, FREE) * math.sqrt(S2))


def test_examples_alone() -> None:
    """With one seed each, the normal interval of the paired replicates."""
    one, other = replicates(500, 1, 1, spread=0.01)
    intervals = ScoreIntervals([np.array([0.5]), np.array([0.6])], [one, other])
    assert (intervals.seeds_known, intervals.examples_known) == (False, True)
    z = stats.norm.ppf(0.975)
    assert intervals.half_width(0) == pytest.approx(z * one.std(ddof=1))
    assert intervals.difference_half_width(0, 1) == pytest.approx(z * (one - other).std(ddof=1))


def test_both() -> None:
    """The part of the seeds' variance that is the examples' is counted once."""
    drawn = replicates(2000, 2, 3, spread=0.05)
    intervals = ScoreIntervals(SCORES, drawn)
    examples = [one.mean(axis=1).var(ddof=1) for one in drawn]
    e = sum(one.var(axis=0).sum() * (n - 1) / n for one, n in zip(drawn, (2, 3), strict=True)) / FREE  # of independent
    for which, n in enumerate((2, 3)):
        variance = examples[which] + (S2 - e) / n
        freedom = FREE * (variance / (S2 / n)) ** 2 if variance > S2 / n else FREE
        expected = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
        assert intervals.half_width(which) == pytest.approx(expected, rel=5e-3)
    means = drawn[0].mean(axis=1) - drawn[1].mean(axis=1)
    share = 1 / 2 + 1 / 3
    variance = means.var(ddof=1) + (S2 - e) * share
    freedom = FREE * max(1.0, variance / (S2 * share)) ** 2
    half = intervals.difference_half_width(0, 1)
    assert half == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(variance), rel=5e-3)


def test_seeds_that_differ_by_less_than_the_examples_explain_add_nothing() -> None:
    scores = [np.array([0.5, 0.5 + 1e-6]), np.array([0.6, 0.6])]
    drawn = replicates(500, 2, 2, spread=0.05)
    half = ScoreIntervals(scores, drawn).half_width(0)
    assert half == pytest.approx(stats.norm.ppf(0.975) * drawn[0].mean(axis=1).std(ddof=1))


def test_configurations_that_predict_the_same_do_not_differ() -> None:
    """All of the spread over seeds is the examples', and the same for both: no width, and no 0 / 0."""
    scores = [np.array([0.5, 0.5001])] * 2
    (drawn,) = replicates(500, 2, spread=0.05)
    assert ScoreIntervals(scores, [drawn, drawn]).difference_half_width(0, 1) == 0.0


def test_nothing_known_no_interval() -> None:
    intervals = ScoreIntervals([np.array([0.5]), np.array([0.6])], None)
    assert intervals.half_width(0) is intervals.difference_half_width(0, 1) is None


PARA, STS = builtin_tasks()["para"], builtin_tasks()["sts"]
SPECS, WEIGHTS = {"para": PARA, "sts": STS}, {"para": 1.0, "sts": 1.0}
EXAMPLES = 150
ABILITY, LIKENESS = (0.6, 0.75, 0.9), (1.0, 1.05, 1.1)  # of three configurations: for para, and Fisher's z for sts


def true_overall(which: int, spread: float) -> float:
    """Return the score on all dev examples and seeds of runs that :func:`trained` makes."""
    accuracy = stats.norm.cdf(ABILITY[which] / math.sqrt(1 + 1 + spread**2))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    r = np.tanh(LIKENESS[which] + spread * nodes) @ weights / weights.sum()
    return float((accuracy + (1 + r) / 2) / 2)


def trained(spread: float, seeds: int, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores and replicates of the three configurations. Some examples are hard for every run; ``spread`` is that of
    the seeds' true ability, and what is left of their differences is luck with these examples.
    """
    ease, gold, confusing = rng.normal(size=(3, EXAMPLES))
    right, similar = [], []
    for ability, likeness in zip(ABILITY, LIKENESS, strict=True):
        for _ in range(seeds):
            is_right = ability + rng.normal(0, spread) + ease + rng.normal(size=EXAMPLES) > 0
            right.append(np.stack([~is_right, is_right], axis=1).astype(np.float64))
            r = np.tanh(likeness + rng.normal(0, spread))
            similar.append(
                r * gold + math.sqrt(1 - r**2) * (0.7 * confusing + math.sqrt(0.51) * rng.normal(size=EXAMPLES))
            )
    runs = {"para": right, "sts": similar}
    labels = {"para": np.ones(EXAMPLES, dtype=int), "sts": gold}
    once = np.ones((1, EXAMPLES))  # counted_metric is own_metric, and faster
    scores = {
        name: np.concatenate([counted_metric(SPECS[name], one, labels[name], once) for one in runs[name]])
        for name in runs
    }
    drawn = {name: bootstrap_scores(SPECS[name], runs[name], labels[name], 200, rng) for name in runs}
    overall, replicated = overall_score(scores, SPECS, WEIGHTS), overall_score(drawn, SPECS, WEIGHTS)
    return np.split(overall, 3), np.split(replicated, 3, axis=1)


def test_95_of_100_intervals_hold_the_truth() -> None:
    """Of the mean and of a difference. Examples alone would hold 84 % of the differences here, seeds alone 87 % of the
    means, and with the seeds' luck counted twice 98 % of the differences.
    """
    cases, spread, rng = 1000, 0.1, np.random.default_rng(7)
    truth = [true_overall(which, spread) for which in (0, 2)]
    held = np.zeros(2)
    for _ in range(cases):
        scores, drawn = trained(spread, 3, rng)
        intervals, means = ScoreIntervals(scores, drawn), [one.mean() for one in scores]
        mean, difference = intervals.half_width(0), intervals.difference_half_width(2, 0)
        assert mean is not None
        assert difference is not None
        held += [abs(means[0] - truth[0]) <= mean, abs(means[2] - means[0] - truth[1] + truth[0]) <= difference]
    least, most = stats.binom.ppf([0.0005, 0.9995], cases, 0.95)
    assert (least <= held).all(), held
    assert (held <= most).all(), held
