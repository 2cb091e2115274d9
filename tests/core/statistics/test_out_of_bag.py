"""Scores inside and outside of bootstrap resamples against the plain metrics on the very examples."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.statistics import LEAST_EXAMPLES, Bags, BagScores, own_metric
from data.metrics import find_metric
from data.task_files import builtin_tasks
from data.tasks import TaskSpec

BUILTIN = builtin_tasks()
SPECS = [
    BUILTIN[task].model_copy(update={"metric": find_metric(metric)})
    for task, metric in (("sst", "accuracy"), ("sst", "f1"), ("sts", "pearson"), ("sts", "spearman"))
]


def drawn(spec: TaskSpec, size: int, runs: int, values: int, rng: np.random.Generator) -> tuple[list, np.ndarray]:
    """Draw predictions and gold labels; few ``values`` of scores make ties and constant resamples."""
    if spec.kind.is_score:
        return [rng.integers(values, size=size).astype(np.float32) for _ in range(runs)], rng.integers(
            values, size=size
        )
    return [rng.random((size, 5), dtype=np.float32) for _ in range(runs)], rng.integers(min(values, 5), size=size)


@settings(max_examples=40)
@given(spec=st.sampled_from(SPECS), size=st.integers(10, 14), values=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_scores_are_those_of_the_examples_that_a_bag_holds_and_leaves_out(
    spec: TaskSpec, size: int, values: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    predictions, gold = drawn(spec, size, 3, values, rng)
    bags = Bags(size, 6, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = bags.scores(spec, predictions, gold)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constants
        assert found.whole == pytest.approx([own_metric(spec, one, gold) for one in predictions], abs=1e-9)
        for b in range(6):
            rows = bags.rows(b)
            left_out = np.setdiff1d(np.arange(size), rows)
            assert len(rows) == size
            assert len(left_out) > 0
            inside = [own_metric(spec, one[rows], gold[rows]) for one in predictions]
            outside = [own_metric(spec, one[left_out], gold[left_out]) for one in predictions]
            assert found.inside[b] == pytest.approx(inside, abs=1e-9)
            assert found.outside[b] == pytest.approx(outside, abs=1e-9)


def test_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of resamples, which do not fit into memory at once, and of runs."""
    spec = BUILTIN["sts"]
    predictions, gold = drawn(spec, 30, 5, 9, np.random.default_rng(0))
    whole = Bags(30, 25, np.random.default_rng(1)).scores(spec, predictions, gold)
    monkeypatch.setattr("core.statistics.out_of_bag._ENTRIES", 120)
    bags = Bags(30, 25, np.random.default_rng(1))
    pieces = BagScores.joined([bags.scores(spec, some, gold) for some in (predictions[:2], predictions[2:])])
    assert whole.inside.shape == whole.outside.shape == (25, 5)
    for name in ("whole", "inside", "outside"):
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), abs=1e-12)


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="there must be at least 10 examples, got 9"):
        Bags(LEAST_EXAMPLES - 1, 5, np.random.default_rng(0))
