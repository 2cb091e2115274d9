"""A task's own metric and all that are reported: finite, the same number in both, and fast."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from core.statistics import confusion_matrix, counted_metric, own_metric, task_metrics
from data.metrics import find_metric
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from tests.core.statistics.task_cases import SPECS, by_f1, certain


@pytest.mark.filterwarnings("ignore:sts")
@pytest.mark.parametrize(
    ("task", "predictions", "gold"),
    [
        ("sst", certain([2, 2, 2], 5), [0, 1, 4]),  # one class predicted, and not there
        ("sst", certain([0], 5), [0]),
        ("para", certain([1, 1], 2), [1, 1]),  # nothing negative
        ("para", certain([0, 0], 2), [0, 0]),  # nothing positive
        ("sts", [1.0, 1.0], [1.0, 1.0]),
        ("sts", [1.0, 2.0], [3.0, 3.0]),
        ("sts", [4.0], [3.0]),
        ("sts", [2.0, np.nextafter(np.float32(2.0), np.float32(3.0))], [0.0, 5.0]),
    ],
)
def test_every_number_is_finite_and_nothing_is_warned_of_by_others(
    task: str, predictions: np.ndarray, gold: list[float]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UndefinedMetricWarning)
        metrics = task_metrics(SPECS[task], np.asarray(predictions, dtype=np.float32), np.asarray(gold))
    assert all(math.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize(
    "spec",
    [SPECS["sst"], by_f1(SPECS["sst"]), by_f1(SPECS["para"]), SPECS["sts"]],
    ids=lambda spec: f"{spec.name} {spec.metric}",
)
def test_the_own_metric_is_the_one_among_all(spec: TaskSpec) -> None:
    """To the bit, so that no gap is a rounding error; classes 3 and 4 are missing from the gold labels."""
    rng = np.random.default_rng(5)
    if spec.kind.is_score:
        predictions, gold = rng.uniform(0, 5, (2, 60)).astype(np.float32)
    else:
        predictions = rng.dirichlet(np.ones(len(spec.classes)), 60).astype(np.float32)
        gold = rng.integers(0, min(3, len(spec.classes)), 60)
    assert own_metric(spec, predictions, gold) == task_metrics(spec, predictions, gold)[spec.metric.name]


def test_metrics_take_little_of_a_rung() -> None:
    """2,000 examples of each task take about 10 ms; the bound leaves room for a busy machine."""
    rng = np.random.default_rng(0)
    classes = {task: rng.dirichlet(np.ones(len(SPECS[task].classes)), 2000) for task in ("sst", "para")}
    scores, gold_scores = rng.uniform(0, 5, (2, 2000))

    def seconds() -> float:
        begun = time.process_time()
        for task, probabilities in classes.items():
            gold = np.arange(2000) % len(SPECS[task].classes)
            task_metrics(SPECS[task], probabilities, gold)
            confusion_matrix(probabilities, gold)
        task_metrics(SPECS["sts"], scores, gold_scores)
        return time.process_time() - begun

    assert min(seconds() for _ in range(5)) < 0.1


def test_another_own_metric_is_added_to_what_is_reported() -> None:
    spec = SPECS["para"].model_copy(update={"metric": find_metric("mcc")})
    rng = np.random.default_rng(0)
    predictions, gold = rng.dirichlet(np.ones(2), 50), rng.integers(0, 2, 50)
    found = task_metrics(spec, predictions, gold)
    assert found == {"mcc": own_metric(spec, predictions, gold), **task_metrics(SPECS["para"], predictions, gold)}


@pytest.mark.parametrize("metric", ["accuracy", "f1", "pearson", "rmse"])
def test_in_folds_a_metric_is_the_mean_over_them(metric: str) -> None:
    rng = np.random.default_rng(0)
    folds = rng.integers(3, size=47)
    if metric in ("accuracy", "f1"):
        spec = builtin_tasks()["sst"].model_copy(update={"metric": find_metric(metric)})
        predictions, gold = rng.dirichlet(np.ones(5), 47), rng.integers(5, size=47)
    else:
        spec = builtin_tasks()["sts"].model_copy(update={"metric": find_metric(metric)})
        predictions, gold = rng.random(47) * 5, rng.random(47) * 5
    parts = [own_metric(spec, predictions[folds == fold], gold[folds == fold]) for fold in range(3)]
    by_hand = sum(parts) / 3
    assert own_metric(spec, predictions, gold, folds) == pytest.approx(by_hand)
    assert task_metrics(spec, predictions, gold, folds)[metric] == pytest.approx(by_hand)
    counts = rng.integers(3, size=(20, 47)).astype(np.float64)
    counts[0] = 1.0
    counts[1, folds == 2] = 0.0  # the resample has no example of a fold
    found = counted_metric(spec, predictions, gold, counts, folds)
    assert found[0] == pytest.approx(by_hand)
    for resample, kept in ((1, [0, 1]), (5, [0, 1, 2])):
        rows = np.repeat(np.arange(47), counts[resample].astype(np.int64))
        drawn = [
            own_metric(spec, predictions[rows][folds[rows] == fold], gold[rows][folds[rows] == fold]) for fold in kept
        ]
        assert found[resample] == pytest.approx(np.mean(drawn))
