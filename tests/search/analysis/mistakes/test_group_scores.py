"""Scores of groups against closed forms, and differences whose truth is known."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import special, stats

from data.metrics import Metric
from data.metrics.metric import SCORES
from search.analysis.mistakes.group_scores import group_scores
from search.analysis.mistakes.groups import Group
from tests.data.metrics.metric_cases import CASES, Case, class_task, score_task

ACCURACY, PEARSON = class_task(2, "accuracy"), score_task("pearson")


def split(*sizes: int) -> list[Group]:
    ends = np.cumsum(sizes)
    return [
        Group(f"g{one}", np.arange(end - size, end)) for one, (size, end) in enumerate(zip(sizes, ends, strict=True))
    ]


def answers(*of_groups: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, list[Group]]:
    """Return predictions and gold classes of groups, each given as (right, examples)."""
    right = np.concatenate([np.arange(size) < count for count, size in of_groups])
    gold = np.arange(len(right)) % 2
    return np.eye(2)[np.where(right, gold, 1 - gold)], gold, split(*(size for _, size in of_groups))


def test_accuracies_have_the_intervals_of_wilson_and_newcombe() -> None:
    """Newcombe (1998), table II: 56 / 70 - 48 / 80 is 0.2, 0.0524 to 0.3339; two groups are one comparison."""
    first, second = group_scores(ACCURACY, *answers((56, 70), (48, 80)))
    assert (first.score, first.rest) == (0.8, 0.6)
    assert first.difference is not None
    assert (first.difference.value, first.difference.low, first.difference.high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    wilson = stats.binomtest(56, 70).proportion_ci(method="wilson")
    assert (first.low, first.high) == pytest.approx((wilson.low, wilson.high))
    assert second.difference is not None
    assert second.difference.low == pytest.approx(-first.difference.high)
    assert (first.verdict, second.verdict) == ("clearly better", "clearly worse")


def test_intervals_of_differences_hold_for_all_groups_together() -> None:
    """With four groups, each interval has level 1 - 0.05 / 4."""
    rows = group_scores(ACCURACY, *answers((60, 100), (75, 100), (76, 100), (77, 100)))
    ends = []
    for right, size in ((60, 100), (228, 300)):
        found = stats.binomtest(right, size).proportion_ci(0.9875, method="wilson")
        ends.append((found.low, found.high))
    (low, high), (rest_low, rest_high) = ends
    gap = rows[0].difference
    assert gap is not None
    assert gap.low == pytest.approx(-0.16 - np.hypot(0.6 - low, rest_high - 0.76))
    assert gap.high == pytest.approx(-0.16 + np.hypot(high - 0.6, 0.76 - rest_low))
    assert [row.verdict for row in rows] == ["clearly worse", "may be chance", "may be chance", "may be chance"]
    pair = group_scores(ACCURACY, *answers((60, 100), (228, 300)))[0].difference
    assert pair is not None
    assert pair.high < gap.high


def test_a_perfect_group_has_an_interval_and_small_ones_are_not_compared() -> None:
    perfect, small, large = group_scores(ACCURACY, *answers((30, 30), (0, 19), (60, 100)))
    assert perfect.low == pytest.approx(stats.binomtest(30, 30).proportion_ci(method="wilson").low)
    assert (small.score, small.difference, small.note) == (0.0, None, "fewer than 20 examples")
    assert small.high is not None
    assert large.difference is not None
    big, few = group_scores(ACCURACY, *answers((60, 100), (10, 15)))
    assert (big.note, few.note) == ("a rest of fewer than 20 examples", "fewer than 20 examples")
    (alone,) = group_scores(ACCURACY, *answers((60, 100)))
    assert (alone.score, alone.rest, alone.verdict, alone.note) == (0.6, None, "", "there is no rest")


def correlated(rng: np.random.Generator, r: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return normal scores whose sample correlation is exactly r."""
    gold, noise = rng.normal(size=(2, size))
    gold = (gold - gold.mean()) / gold.std()
    noise = noise - noise.mean()
    noise -= (noise @ gold) / size * gold
    return r * gold + np.sqrt(1 - r * r) * noise / noise.std(), gold


def test_correlations_are_compared_as_by_fishers_transformation() -> None:
    rng = np.random.default_rng(3)
    parts = [correlated(rng, r, 400) for r in (0.5, 0.8)]
    predictions, gold = (np.concatenate(one) for one in zip(*parts, strict=True))
    rows = group_scores(PEARSON, predictions, gold, split(400, 400))
    fisher = [np.tanh(np.arctanh(r) + np.array([-1, 1]) * 1.96 / np.sqrt(397)) for r in (0.5, 0.8)]
    for row, r, ends in zip(rows, (0.5, 0.8), fisher, strict=True):
        assert row.score == pytest.approx(r)
        assert (row.low, row.high) == pytest.approx(tuple(ends), abs=0.012)
    gap = rows[0].difference
    assert gap is not None
    (low, high), (rest_low, rest_high) = fisher
    assert gap.low == pytest.approx(-0.3 - np.hypot(0.5 - low, rest_high - 0.8), abs=0.015)
    assert gap.high == pytest.approx(-0.3 + np.hypot(high - 0.5, 0.8 - rest_low), abs=0.015)
    assert rows[0].verdict == "clearly worse"


def test_mean_errors_are_compared_as_by_welch() -> None:
    """An error is better if it is smaller."""
    rng = np.random.default_rng(4)
    gold = np.zeros(700)
    errors = np.concatenate([rng.gamma(9.0, 0.12, 300), rng.gamma(9.0, 0.10, 400)])
    worse, better = group_scores(score_task("mean_absolute_error"), errors, gold, split(300, 400))
    welch = stats.ttest_ind(errors[:300], errors[300:], equal_var=False).confidence_interval()
    assert worse.difference is not None
    assert (worse.difference.low, worse.difference.high) == pytest.approx((welch.low, welch.high), abs=0.006)
    assert (worse.verdict, better.verdict) == ("clearly worse", "clearly better")
    assert worse.gain < 0 < better.gain


def undefined(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and gold labels (30,) of a group with a single gold label."""
    rng = np.random.default_rng(5)
    return case.predictions(rng, 30), np.repeat(case.gold(rng, 1) * 0, 30)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_metric_is_undefined_with_one_gold_label_and_never_a_number(case: Case) -> None:
    rng = np.random.default_rng(6)
    alike, label = undefined(case)
    predictions = np.concatenate([alike, case.predictions(rng, 300)])
    gold = np.concatenate([label, case.gold(rng, 300)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = group_scores(case.spec, predictions, gold, split(30, 300))
    always = ("accuracy", "rmse", "mean_absolute_error")
    if case.metric.name in always or (case.metric.name == "average_precision" and len(case.spec.classes) > 2):
        assert all(row.score is not None for row in rows)
        return
    assert rows[0].score is None
    assert rows[0].note.startswith("undefined: ")
    assert rows[0].note.split(": ")[1].split(" ")[0] in ("all", "no")
    assert rows[1].note.startswith("undefined for the rest: ")
    assert rows[1].score is not None
    assert [row.verdict for row in rows] == ["", ""]


def test_constant_predictions_have_no_correlation() -> None:
    rng = np.random.default_rng(7)
    gold = rng.normal(size=60)
    predictions = np.concatenate([np.ones(30), gold[30:] + rng.normal(size=30)])
    rows = group_scores(PEARSON, predictions, gold, split(30, 30))
    assert rows[0].note == "undefined: all predictions are equal"


def test_a_perfect_area_has_no_interval_instead_of_one_of_width_0() -> None:
    gold = np.random.default_rng(8).normal(size=60)
    rows = group_scores(class_task(2, "roc_auc"), *_separated(gold), split(30, 30))
    assert rows[0].score == 1.0
    assert rows[0].low is None
    assert rows[0].note == "no interval: the score is the same in every resample"
    assert rows[0].verdict == ""


def _separated(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities that rank the first 30 of 60 examples perfectly, and the others by chance."""
    gold = np.arange(60) % 2
    second = np.where(np.arange(60) < 30, 0.2 + 0.6 * gold, 1 / (1 + np.exp(-noise)))
    return np.stack([1 - second, second], axis=1), gold


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((-1.0, 1.0), np.tanh(np.arctanh(0.5) + np.array([-0.2, 0.2]) / 0.75)),
        ((0.0, 1.0), special.expit(np.array([-0.2, 0.2]) / 0.25)),
        ((0.0, math.inf), 0.5 * np.exp(np.array([-0.4, 0.4]))),
        ((-math.inf, 1.0), 1.0 - 0.5 * np.exp(np.array([0.4, -0.4]))),
        ((-math.inf, math.inf), [0.3, 0.7]),
    ],
    ids=str,
)
def test_intervals_stay_within_the_bounds_of_a_metric(
    bounds: tuple[float, float], expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deviation of 0.2 is carried over to Fisher's z, the logit or the logarithm by its slope at 0.5."""
    spread = np.sqrt(99 / 100) * 0.2 / stats.t.ppf(0.975, 99)  # of resamples, whose deviation is a little too small
    made = np.array([-1.0, 1.0] * 500)[:, None] * spread * np.sqrt(999 / 1000)
    monkeypatch.setattr("search.analysis.mistakes.group_scores.task_replicates", lambda *_: made)
    metric = Metric("half", "half", SCORES, lambda *_: 0.5, bounds=bounds, to_share=lambda _, value: value)
    spec = PEARSON.model_copy(update={"metric": metric})
    row = group_scores(spec, np.zeros(200), np.zeros(200), split(100, 100))[0]
    assert (row.low, row.high) == pytest.approx(tuple(expected))
