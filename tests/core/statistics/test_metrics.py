"""Metrics against scikit-learn and by hand, what has no value, and the overall score of the architecture."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from core.statistics import confusion_matrix, normalised_score, overall_score, own_metric, task_metrics
from data.metrics.classes import predicted_classes
from data.task_files import builtin_tasks
from data.tasks import TaskSpec

SPECS = builtin_tasks()
SST = SPECS["sst"].classes


def certain(classes: list[int], count: int) -> np.ndarray:
    """Probabilities that put all on these classes."""
    return np.eye(count)[classes]


def by_f1(spec: TaskSpec) -> TaskSpec:
    return TaskSpec.model_validate({**spec.model_dump(), "metric": "f1"})


def test_classification_by_hand() -> None:
    metrics = task_metrics(SPECS["sst"], certain([0, 1, 2, 2], 5), np.array([0, 1, 2, 3]))
    assert metrics["accuracy"] == 0.75
    # F1 per class: 1, 1, 2/3, 0, and class 4 was never there: 0
    assert metrics["f1"] == pytest.approx((1 + 1 + 2 / 3) / 5)
    assert metrics["precision"] == pytest.approx((1 + 1 + 1 / 2) / 5)
    assert metrics["recall"] == pytest.approx((1 + 1 + 1) / 5)
    assert [metrics[f"f1/{name}"] for name in SST] == pytest.approx([1, 1, 2 / 3, 0, 0])
    # of the three examples that are not neutral, one was taken for neutral; the one positive example was missed
    assert metrics["false_positive_rate/neutral"] == pytest.approx(1 / 3)
    assert metrics["false_negative_rate/positive"] == 1.0
    assert metrics["false_negative_rate/very positive"] == 0.0  # none to miss
    assert metrics["off_by_one_accuracy"] == 1.0


def test_two_classes_by_hand() -> None:
    """4 negative examples, 1 taken for positive; 2 positive ones, 1 missed."""
    gold, predicted = np.array([0, 0, 0, 0, 1, 1]), [0, 0, 0, 1, 1, 0]
    metrics = task_metrics(SPECS["para"], certain(predicted, 2), gold)
    assert metrics["false_positive_rate"] == 1 / 4
    assert metrics["false_negative_rate"] == 1 / 2
    assert metrics["f1_positive"] == metrics["f1/duplicate"] == 0.5  # precision and recall 1/2
    assert metrics["f1/not duplicate"] == 0.75
    assert metrics["f1"] == 0.625  # macro, not that of the positive class
    assert "top_2_accuracy" not in metrics  # always 1
    assert "off_by_one_accuracy" not in metrics


@pytest.mark.parametrize("task", ["sst", "para"])
def test_classification_against_scikit_learn(task: str) -> None:
    """Each of our numbers by the one function of scikit-learn that is named after it."""
    classes = SPECS[task].classes
    count, rng = len(classes), np.random.default_rng(3)
    probabilities, gold = rng.dirichlet(np.ones(count), 400), rng.integers(0, count, 400)
    predicted = predicted_classes(probabilities)
    metrics = task_metrics(SPECS[task], probabilities, gold)
    expected = {"accuracy": (predicted == gold).mean()}
    scores = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
    for name, score in scores.items():
        expected[name] = score(gold, predicted, average="macro")
        for k, label in enumerate(classes):
            expected[f"{name}/{label}"] = score(gold == k, predicted == k)
    if task == "sst":
        expected["top_2_accuracy"] = sk.top_k_accuracy_score(gold, probabilities, k=2)
        expected["off_by_one_accuracy"] = 1 - (np.abs(gold - predicted) > 1).sum() / 400
        for k, label in enumerate(classes):
            expected[f"false_positive_rate/{label}"] = 1 - sk.recall_score(gold != k, predicted != k)
            expected[f"false_negative_rate/{label}"] = 1 - sk.recall_score(gold == k, predicted == k)
    else:
        expected["f1_positive"] = sk.f1_score(gold, predicted)
        expected["false_positive_rate"] = 1 - sk.recall_score(gold, predicted, pos_label=0)
        expected["false_negative_rate"] = 1 - sk.recall_score(gold, predicted, pos_label=1)
    assert metrics == pytest.approx(expected)


def test_a_confusion_matrix_has_the_gold_classes_as_rows() -> None:
    confusion = confusion_matrix(certain([0, 0, 2, 2, 1], 3), np.array([0, 1, 1, 1, 1]))
    assert confusion.tolist() == [[1, 0, 0], [1, 1, 2], [0, 0, 0]]  # class 2 is not in the data, and keeps its row


def test_top_2_never_falls_below_the_accuracy() -> None:
    """Equal probabilities, as a head of zeros gives: the predicted class is the first, so it is among the first two."""
    metrics = task_metrics(SPECS["sst"], np.full((4, 5), 0.2), np.array([0, 0, 1, 4]))
    assert metrics["accuracy"] == 0.5
    assert metrics["top_2_accuracy"] == 0.75


def test_off_by_one_is_no_top_2() -> None:
    predictions = np.array([[0.5, 0.1, 0.1, 0.1, 0.2], [0.5, 0.0, 0.3, 0.1, 0.1]])
    metrics = task_metrics(SPECS["sst"], predictions, np.array([4, 1]))
    assert metrics["top_2_accuracy"] == 0.5  # class 4 is the second choice, far off
    assert metrics["off_by_one_accuracy"] == 0.5  # class 1 was thought impossible, and is next to class 0


def test_scores_by_hand() -> None:
    predicted, gold = np.array([1.0, 3.0, 3.0, 4.0]), np.array([0.0, 3.0, 2.0, 5.0])
    metrics = task_metrics(SPECS["sts"], predicted, gold)  # errors 1, 0, 1, -1; gold has mean 2.5 and variance 3.25
    assert metrics["mse"] == 0.75
    assert metrics["rmse"] == pytest.approx(math.sqrt(0.75))
    assert metrics["mean_absolute_error"] == 0.75
    assert metrics["median_absolute_error"] == 1.0
    assert metrics["r2"] == pytest.approx(1 - 0.75 / 3.25)
    assert metrics["explained_variance"] == pytest.approx(1 - (0.75 - 0.25**2) / 3.25)  # the mean error is forgiven
    logs = [math.log(2 / 1), 0.0, math.log(4 / 3), math.log(5 / 6)]
    assert metrics["msle"] == pytest.approx(sum(log**2 for log in logs) / 4)
    assert metrics["spearman"] == pytest.approx(np.corrcoef([1, 2.5, 2.5, 4], [1, 3, 2, 4])[0, 1])


def test_scores_against_numpy_and_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 50)
    predicted = np.clip(gold + rng.normal(0, 1, 50), 0, 5).astype(np.float32)
    metrics = task_metrics(SPECS["sts"], predicted, gold.astype(np.float32))
    ranks = [stats.rankdata(values) for values in (predicted, gold)]
    assert metrics == pytest.approx(
        {
            "pearson": np.corrcoef(predicted, gold)[0, 1],
            "spearman": np.corrcoef(*ranks)[0, 1],
            "mse": ((predicted - gold) ** 2).mean(),
            "rmse": sk.root_mean_squared_error(gold, predicted),
            "msle": ((np.log1p(predicted) - np.log1p(gold)) ** 2).mean(),
            "mean_absolute_error": np.abs(predicted - gold).mean(),
            "median_absolute_error": np.median(np.abs(predicted - gold)),
            "explained_variance": 1 - (predicted - gold).var() / gold.var(),
            "r2": sk.r2_score(gold, predicted),
        },
        rel=1e-5,
    )


def test_scores_that_may_be_negative_have_no_logarithm() -> None:
    spec = TaskSpec.model_validate({**SPECS["sts"].model_dump(), "score_range": [-1.0, 1.0]})
    metrics = task_metrics(spec, np.array([-1.0, 0.0, 1.0]), np.array([-1.0, 0.5, 1.0]))
    assert "msle" not in metrics
    assert metrics["mse"] == pytest.approx(0.25 / 3)


def test_a_score_a_rounding_error_below_zero_counts_as_zero() -> None:
    metrics = task_metrics(SPECS["sts"], np.array([-1e-7, 1.0], dtype=np.float32), np.array([0.0, 1.0]))
    assert metrics["msle"] == 0.0


def test_a_constant_prediction_has_correlation_zero_and_warns() -> None:
    with pytest.warns(UserWarning, match="sts: all predictions are equal; the correlation counts as 0"):
        metrics = task_metrics(SPECS["sts"], np.full(10, 2.5, dtype=np.float32), np.arange(10.0) / 2)
    assert metrics["pearson"] == metrics["spearman"] == 0.0
    assert metrics["explained_variance"] == 0.0


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


def test_overall_is_that_of_the_course() -> None:
    specs = {name: SPECS[name] for name in ("sst", "para", "sts")}
    equal = dict.fromkeys(specs, 1.0)
    scores = {"sst": 0.525, "para": 0.849, "sts": 0.838}
    assert overall_score(scores, specs, equal) == pytest.approx((0.525 + 0.849 + (1 + 0.838) / 2) / 3)


def test_overall_of_one_task_and_with_weights() -> None:
    assert overall_score({"sts": -0.5}, {"sts": SPECS["sts"]}, {"sts": 7.0}) == 0.25
    specs = {name: SPECS[name] for name in ("sst", "para")}
    assert overall_score({"sst": 0.4, "para": 0.8}, specs, {"sst": 3.0, "para": 1.0}) == pytest.approx(0.5)


def test_f1_counts_as_it_is() -> None:
    assert normalised_score(by_f1(SPECS["para"]), 0.7) == 0.7
