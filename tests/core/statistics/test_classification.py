"""Metrics of classes against scikit-learn and by hand, and the confusion matrix."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from core.statistics import confusion_matrix, task_metrics
from data.metrics.classes import predicted_classes
from tests.core.statistics.task_cases import SPECS, certain

SST = SPECS["sst"].classes


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


def test_off_by_one_differs_from_top_2() -> None:
    predictions = np.array([[0.5, 0.1, 0.1, 0.1, 0.2], [0.5, 0.0, 0.3, 0.1, 0.1]])
    metrics = task_metrics(SPECS["sst"], predictions, np.array([4, 1]))
    assert metrics["top_2_accuracy"] == 0.5  # class 4 is the second choice, far off
    assert metrics["off_by_one_accuracy"] == 0.5  # class 1 was thought impossible, and is next to class 0
