"""Bootstrap replicates against the plain metrics, closed forms, and SciPy's bootstrap."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.statistics import bootstrap_scores, counted_metric, overall_score, own_metric
from data.task_files import builtin_tasks
from data.tasks import TaskSpec

SPECS = builtin_tasks()


def measured_by(task: str, metric: str) -> TaskSpec:
    return TaskSpec.model_validate({**SPECS[task].model_dump(), "metric": metric})


ALL = [
    measured_by("sst", "accuracy"),
    measured_by("sst", "f1"),
    measured_by("para", "f1"),
    measured_by("sts", "pearson"),
    measured_by("sts", "spearman"),
]


def names(spec: TaskSpec) -> str:
    return f"{spec.name} {spec.metric}"


def drawn(spec: TaskSpec, size: int, rng: np.random.Generator, values: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Draw predictions and gold labels; few ``values`` of scores make ties, and resamples in which all are equal."""
    if spec.kind.is_score:
        return rng.integers(0, values, (2, size)).astype(np.float32) / 2  # type: ignore[return-value]
    count = len(spec.classes)
    return rng.dirichlet(np.ones(count), size).astype(np.float32), rng.integers(0, min(values, count), size)


def right(flags: list[bool] | np.ndarray) -> np.ndarray:
    """Return predictions for para whose gold labels are all 1."""
    flags = np.asarray(flags, dtype=np.float32)
    return np.stack([1 - flags, flags], axis=1)


@settings(max_examples=60)
@given(
    spec=st.sampled_from(ALL),
    size=st.integers(1, 12),
    values=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_metric_from_counts_is_the_plain_one_on_the_drawn_examples(
    spec: TaskSpec, size: int, values: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    predictions, gold = drawn(spec, size, rng, values)
    rows = rng.integers(size, size=(20, size))
    counts = np.stack([np.bincount(row, minlength=size) for row in rows]).astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = counted_metric(spec, predictions, gold, counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constants
        expected = [own_metric(spec, predictions[row], gold[row]) for row in rows]
    assert found == pytest.approx(expected, abs=1e-9)


def test_digits_that_sums_would_lose() -> None:
    """One score far out: resamples without it vary a billionth as much, and their correlation is as good as any."""
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 40)
    predictions = 1000.0 + 1e-4 * (gold + rng.normal(0, 1, 40))
    predictions[0] = 5000.0
    rows = rng.integers(40, size=(50, 40))
    counts = np.stack([np.bincount(row, minlength=40) for row in rows]).astype(np.float64)
    assert (counts[:, 0] == 0).any()
    expected = [stats.pearsonr(predictions[row], gold[row]).statistic for row in rows]
    assert counted_metric(SPECS["sts"], predictions, gold, counts) == pytest.approx(expected, abs=1e-9)


def test_the_variance_of_an_accuracy() -> None:
    """Of n draws of a success with p: p (1 - p) / n."""
    flags = np.arange(50) < 35
    found = bootstrap_scores(SPECS["para"], [right(flags)], np.ones(50, dtype=int), 20_000, np.random.default_rng(0))
    assert found.shape == (20_000, 1)
    assert found.mean() == pytest.approx(0.7, abs=0.002)
    assert found.var() == pytest.approx(0.7 * 0.3 / 50, rel=0.04)  # four standard errors


def test_pearson_is_that_of_scipys_bootstrap() -> None:
    rng = np.random.default_rng(1)
    gold = rng.uniform(0, 5, 80)
    predictions = gold + rng.normal(0, 1.5, 80)
    ours = bootstrap_scores(SPECS["sts"], [predictions], gold, 9999, np.random.default_rng(0))[:, 0]
    theirs = stats.bootstrap(
        (predictions, gold),
        lambda x, y, axis: stats.pearsonr(x, y, axis=axis).statistic,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    assert ours.std(ddof=1) == pytest.approx(theirs.standard_error, rel=0.04)
    interval = theirs.confidence_interval
    assert np.quantile(ours, [0.025, 0.975]) == pytest.approx([interval.low, interval.high], abs=0.006)


@pytest.mark.parametrize("spec", ALL, ids=names)
def test_equal_runs_never_differ(spec: TaskSpec) -> None:
    rng = np.random.default_rng(3)
    one, gold = drawn(spec, 60, rng)
    other, _ = drawn(spec, 60, rng)
    found = bootstrap_scores(spec, [one, other, one], gold, 200, rng)
    assert np.array_equal(found[:, 0], found[:, 2])
    assert (found[:, 0] != found[:, 1]).any()
    assert found.std(axis=0).min() > 0


def test_the_difference_of_two_runs_is_paired() -> None:
    """McNemar's variance: of 100 examples, 10 only the first gets right, and 4 only the second."""
    first, second = np.zeros((2, 100), dtype=bool)
    first[:70], second[10:74] = True, True
    gold = np.ones(100, dtype=int)
    found = bootstrap_scores(SPECS["para"], [right(first), right(second)], gold, 20_000, np.random.default_rng(0))
    difference = found[:, 0] - found[:, 1]
    assert difference.mean() == pytest.approx(0.06, abs=0.002)
    assert difference.var() == pytest.approx((0.14 - 0.06**2) / 100, rel=0.04)


def test_the_same_seed_the_same_replicates_in_pieces_too(monkeypatch: pytest.MonkeyPatch) -> None:
    predictions, gold = drawn(SPECS["sts"], 30, np.random.default_rng(4))

    def replicates(seed: int) -> np.ndarray:
        return bootstrap_scores(SPECS["sts"], [predictions], gold, 25, np.random.default_rng(seed))

    whole = replicates(0)
    assert len(np.unique(whole)) > 20
    monkeypatch.setattr("core.statistics.bootstrap._ENTRIES", 120)  # four replicates at a time, and one at the end
    assert np.array_equal(replicates(0), whole)
    assert not np.array_equal(replicates(1), whole)


def test_replicates_of_overall_are_the_overall_of_replicates() -> None:
    specs = {name: SPECS[name] for name in ("sst", "sts")}
    weights = {"sst": 3.0, "sts": 1.0}
    scores = {"sst": np.array([[0.5, 0.25]]), "sts": np.array([[0.0, -1.0]])}
    assert overall_score(scores, specs, weights) == pytest.approx(np.array([[0.5, 0.1875]]))


def test_predictions_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"para: 3 gold labels, but run 1 has 2 predictions"):
        bootstrap_scores(SPECS["para"], [right([True] * 3), right([True] * 2)], np.ones(3), 5, np.random.default_rng(0))


def test_fourteen_runs_take_a_second() -> None:
    """1,000 replicates on dev of the course's sst and sts, and 2,021 examples of para; about 0.3 s."""
    rng = np.random.default_rng(0)
    sizes = {"sst": 1101, "para": 2021, "sts": 863}
    data = {task: [drawn(SPECS[task], size, rng, 100) for _ in range(14)] for task, size in sizes.items()}

    def seconds() -> float:
        begun = time.process_time()
        for task, runs in data.items():
            bootstrap_scores(SPECS[task], [predictions for predictions, _ in runs], runs[0][1], 1000, rng)
        return time.process_time() - begun

    assert min(seconds() for _ in range(2)) < 3
