"""Every registered metric: counted scores against plain ones, bounds, normalisation, degenerate data.

A new metric is tested here without a line of its own.
"""

from __future__ import annotations

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.metrics import Metric, all_metrics, find_metric
from data.tasks import TaskSpec
from tests.data.metrics.metric_cases import CASES, Case

FEW = settings(max_examples=25)


@pytest.mark.parametrize("case", CASES, ids=str)
@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 3))
def test_a_counted_score_is_the_plain_one_of_the_expanded_resample(case: Case, seed: int, size: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    gold, predictions = case.gold(rng, size), [case.predictions(rng, size) for _ in range(runs)]
    counts = rng.multinomial(size, np.full(size, 1 / size), size=6).astype(np.float64)
    found = case.metric.counted_scores(case.spec, predictions, gold, counts)
    assert found.shape == (6, runs)
    for drawn, scores in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(size), drawn.astype(np.int64))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = [case.metric.score(case.spec, one[rows], gold[rows]) for one in predictions]
        assert scores == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_counted_scores_of_many_examples_and_classes_that_are_rare(case: Case) -> None:
    rng = np.random.default_rng(1)
    size = 300
    gold, predictions = case.gold(rng, size), [case.predictions(rng, size) for _ in range(2)]
    counts = rng.multinomial(size, np.full(size, 1 / size), size=4).astype(np.float64)
    found = case.metric.counted_scores(case.spec, predictions, gold, counts)
    for drawn, scores in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(size), drawn.astype(np.int64))
        assert scores == pytest.approx([case.metric.score(case.spec, one[rows], gold[rows]) for one in predictions])


def drawn(case: Case, seed: int, size: int, one_label: bool, constant: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw gold labels and predictions, on request with a single label or with predictions that are all equal."""
    rng = np.random.default_rng(seed)
    gold, predictions = case.gold(rng, size), case.predictions(rng, size)
    gold = np.repeat(gold[:1], size) if one_label else gold
    predictions = np.repeat(predictions[:1], size, axis=0) if constant else predictions
    return gold, predictions


@pytest.mark.filterwarnings("ignore:.*are equal")
@pytest.mark.filterwarnings("ignore:.*no example is positive")
@pytest.mark.parametrize("case", CASES, ids=str)
@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.booleans(), st.booleans())
def test_a_score_is_finite_inside_the_bounds_and_normalised_to_a_share(
    case: Case, seed: int, size: int, one_label: bool, constant: bool
) -> None:
    """This includes a single example, a single class, and predictions that are all equal."""
    gold, predictions = drawn(case, seed, size, one_label, constant)
    value = case.metric.score(case.spec, predictions, gold)
    assert isinstance(value, float)
    assert math.isfinite(value)
    low, high = case.metric.bounds
    assert low - 1e-12 <= value <= high + 1e-12
    assert -1e-12 <= case.metric.normalise(case.spec, value) <= 1.0 + 1e-12
    counted = case.metric.counted_scores(case.spec, [predictions], gold, np.ones((1, size)))[0, 0]
    assert counted == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_perfect_predictions_have_share_1_and_better_ones_a_gain(case: Case) -> None:
    rng = np.random.default_rng(2)
    gold = case.gold(rng, 60)
    perfect, poor = case.perfect(gold), case.predictions(rng, 60)
    best, worse = (case.metric.score(case.spec, one, gold) for one in (perfect, poor))
    assert case.metric.normalise(case.spec, best) == pytest.approx(1.0)
    assert case.metric.normalise(case.spec, worse) < 1.0
    assert case.metric.gain(best, worse) == -case.metric.gain(worse, best) > 0.0
    assert (best > worse) == case.metric.larger_is_better


@pytest.mark.parametrize("case", CASES, ids=str)
def test_arrays_and_single_values_are_normalised_alike_and_in_the_order_of_gains(case: Case) -> None:
    low, high = case.metric.bounds
    values = np.linspace(low, min(high, 12.0), 7)
    shares = case.metric.normalise(case.spec, values)
    assert shares.tolist() == [case.metric.normalise(case.spec, value) for value in values.tolist()]
    assert (np.diff(case.metric.gain(values, np.zeros(7))) * np.diff(shares) >= 0).all()


@pytest.mark.parametrize("metric", all_metrics(), ids=str)
def test_a_metric_can_be_copied_sent_to_a_worker_and_shown(metric: Metric) -> None:
    assert pickle.loads(pickle.dumps(metric)) == copy.deepcopy(metric) == metric
    assert str(metric) == metric.name
    assert repr(metric) == f"Metric('{metric.name}')"
    for name in (metric.name, *metric.aliases, metric.name.upper(), metric.name.replace("_", "-")):
        assert find_metric(name) is metric


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_task_reads_an_alias_and_writes_the_name(case: Case) -> None:
    fields = case.spec.model_dump(mode="json")
    assert fields["metric"] == case.metric.name
    for alias in case.metric.aliases:
        spec = TaskSpec.model_validate({**fields, "metric": alias.replace("_", "-")})
        assert spec == case.spec
        assert spec.model_dump_json() == case.spec.model_dump_json()


@pytest.mark.parametrize("case", CASES, ids=str)
@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.booleans(), st.booleans())
def test_wherever_a_metric_warns_it_is_undefined(
    case: Case, seed: int, size: int, one_label: bool, constant: bool
) -> None:
    gold, predictions = drawn(case, seed, size, one_label, constant)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        case.metric.score(case.spec, predictions, gold)
    why = case.metric.undefined(case.spec, predictions, gold)
    assert why or not found
    if case.metric.is_right is not None:
        right = case.metric.is_right(predictions, gold)
        assert case.metric.score(case.spec, predictions, gold) == pytest.approx(right.mean())
