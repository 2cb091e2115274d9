"""What the winner will score on new data: by hand, at its edges, and where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from core.statistics import Bags, BagScores, bootstrap_scores, expect, replay_selection
from data.metrics import find_metric
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from tests.core.statistics.winners_curse_simulation import Case, simulate

SPECS = builtin_tasks()
ONE = {"para": 1.0}


def scored(
    spec: TaskSpec, predictions: list[np.ndarray], gold: np.ndarray, resamples: int = 1000
) -> dict[str, BagScores]:
    return {spec.name: Bags(len(gold), resamples, np.random.default_rng(0)).scores(spec, predictions, gold)}


def right(flags: np.ndarray) -> np.ndarray:
    """Return predictions for para whose gold labels are all 1."""
    return np.stack([1.0 - flags, flags], axis=1)


def test_by_hand() -> None:
    """Two runs and three resamples; the second resample selects the other run."""
    bags = {
        "para": BagScores(
            whole=np.array([0.7, 0.6]),
            inside=np.array([[0.8, 0.6], [0.5, 0.9], [0.7, 0.7]]),
            outside=np.array([[0.55, 0.6], [0.6, 0.55], [0.6, 0.6]]),
        )
    }
    found = replay_selection(bags, 0, {"para": SPECS["para"]}, ONE)
    means = (1.75 / 3, 1.75 / 3)
    summands = np.array([0.7 + 0.55 - means[0], 0.6 + 0.55 - means[1], 0.7 + 0.6 - means[0]])
    half = stats.t.ppf(0.975, 2) * summands.std(ddof=1) * math.sqrt(1 / (math.e - 1) + 1 / 3)
    assert found.overall.dev == 0.7
    assert found.overall.expected == pytest.approx(summands.mean())
    assert found.overall.low == pytest.approx(summands.mean() - half)
    assert found.overall.high == pytest.approx(min(1.0, summands.mean() + half))
    assert found.tasks["para"] == found.overall
    assert found.overall.optimism == pytest.approx(0.7 - summands.mean())


def test_tasks_are_expected_on_their_own_scale_and_selected_by_the_overall_score() -> None:
    """With the weights 3 and 1 the first run has 0.75 * 0.6 + 0.25 * 0.9 inside, the second 0.75 * 0.7 + 0.25 * 0.5."""
    bags = {
        "para": BagScores(np.array([0.6, 0.7]), np.array([[0.6, 0.7]] * 2), np.array([[0.5, 0.4], [0.3, 0.2]])),
        "sts": BagScores(np.array([0.8, 0.0]), np.array([[0.8, 0.0]] * 2), np.array([[0.2, -0.9], [0.4, -0.7]])),
    }
    found = replay_selection(bags, 0, {name: SPECS[name] for name in bags}, {"para": 3.0, "sts": 1.0})
    assert found.tasks["sts"].dev == found.tasks["sts"].expected == pytest.approx(0.8)
    assert found.tasks["sts"].low >= -1.0
    assert found.overall.expected == pytest.approx(0.75 * 0.6 + 0.25 * 0.9)


@pytest.mark.parametrize("task", ["sst", "sts"])
def test_one_run_is_expected_to_score_what_it_scored(task: str) -> None:
    """Also by a metric that is lower on few examples: macro F1 with rare classes."""
    rng, spec = np.random.default_rng(0), SPECS[task]
    if task == "sst":
        spec = spec.model_copy(update={"metric": find_metric("f1")})
        gold = np.repeat(np.arange(5), (60, 60, 30, 3, 2))
        predictions = 0.6 * np.eye(5)[gold] + rng.dirichlet(np.ones(5), len(gold))
    else:
        gold = rng.uniform(0, 5, 40)
        predictions = gold + rng.normal(0, 2, 40)
    bags = scored(spec, [predictions], gold)
    found = replay_selection(bags, 0, {task: spec}, {task: 1.0}).tasks[task]
    assert found.expected == pytest.approx(found.dev, abs=1e-9)
    assert bags[task].outside.mean() < found.dev - 0.002  # what the plain mean would have taken for bias


def test_the_interval_of_one_run_is_that_of_the_bootstrap() -> None:
    flags = np.arange(400) % 10 < 7
    found = replay_selection(scored(SPECS["para"], [right(flags)], np.ones(400, dtype=int)), 0, SPECS, ONE).overall
    drawn = bootstrap_scores(SPECS["para"], [right(flags)], np.ones(400, dtype=int), 1000, np.random.default_rng(1))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * drawn.std(), rel=0.1)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * math.sqrt(0.7 * 0.3 / 400), rel=0.08)


def test_a_run_that_always_wins_is_not_too_good() -> None:
    flags = np.arange(200) % 10 < 8
    worse = np.arange(200) % 10 < 2
    found = replay_selection(
        scored(SPECS["para"], [right(worse), right(flags)], np.ones(200, dtype=int)), 1, SPECS, ONE
    )
    assert found.overall.optimism == pytest.approx(0.0, abs=1e-12)
    assert found.overall.dev == 0.8


def test_bounds() -> None:
    flags = np.arange(50) > 0
    found = replay_selection(scored(SPECS["para"], [right(flags)], np.ones(50, dtype=int)), 0, SPECS, ONE).overall
    assert found.high == 1.0
    nothing = np.arange(50) == 0
    found = replay_selection(scored(SPECS["para"], [right(nothing)], np.ones(50, dtype=int)), 0, SPECS, ONE).overall
    assert found.low == 0.0


def test_any_selection_may_be_expected_of() -> None:
    """What each resample selected may be something of its own, as an ensemble is."""
    bags = {"para": BagScores(np.array([0.5, 0.6, 0.8]), np.zeros((2, 3)), np.array([[0.4, 0.6, 0], [0.6, 0.5, 0]]))}
    found = expect(bags, np.array([0, 1]), 2, SPECS, ONE).overall
    assert (found.dev, found.expected) == (0.8, pytest.approx(((0.5 + 0.4 - 0.5) + (0.6 + 0.5 - 0.55)) / 2))


CASES = [  # by how much the naive score is too good, and how much of it is left; what is negative is caution
    (Case(1, examples=150), 0.0, 0.0),
    (Case(20, 2), 0.027, 0.0),  # all equally good, which is the worst
    (Case(30, spread=0.1), 0.012, -0.005),
]


@pytest.mark.parametrize(("case", "too_good", "left"), CASES)
def test_where_the_truth_is_known(case: Case, too_good: float, left: float) -> None:
    """The standard error of a mean over the studies is 0.001 or less, of the share of intervals 0.011."""
    rng = np.random.default_rng(0)
    outcomes = [simulate(case, 60, rng) for _ in range(400)]
    truth, naive, expected = (np.array([getattr(o, n) for o in outcomes]) for n in ("truth", "naive", "expected"))
    assert (naive - truth).mean() == pytest.approx(too_good, abs=0.003)
    assert (expected - truth).mean() == pytest.approx(left, abs=0.003)
    held = np.mean([one.low <= one.truth <= one.high for one in outcomes])
    assert held >= 0.925
    assert held <= np.mean([one.paper_low <= one.truth <= one.paper_high for one in outcomes])
    half = np.array([(one.high - one.low) / 2 for one in outcomes])
    if too_good > 0.02:  # the same interval around the naive score does not do
        assert np.mean(np.abs(naive - truth) <= half) < 0.85
