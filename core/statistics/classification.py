"""Compute the metrics that are reported of predicted classes.

What would be 0 / 0, such as the recall of a class without examples, counts as 0. scikit-learn has the same metrics, but
loads pandas: together 80 MiB of every worker, which computes them at each rung.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.classes import predicted_classes

__all__ = ["classification_metrics", "confusion_matrix"]


def confusion_matrix(predictions: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Count how many examples of each gold class (rows) were predicted as each class (columns), (K, K) int64.

    Args:
        predictions: class probabilities, (N, K).
        gold: class indices, (N,).
    """
    classes = predictions.shape[1]
    cells = gold.astype(np.int64) * classes + predicted_classes(predictions)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def classification_metrics(classes: Sequence[str], predictions: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """Compute all metrics that are reported of a classification task, 0 to 1.

    ``accuracy``; ``precision``, ``recall`` and ``f1`` as the mean over the classes (macro); and the three for each
    class, named ``precision/CLASS``. With two classes, the second being the positive one, also ``f1_positive``,
    ``false_positive_rate`` (the share of negative examples predicted as positive) and ``false_negative_rate``. With
    more, the two rates of each class against all others, named ``false_positive_rate/CLASS``; ``top_2_accuracy`` (the
    gold class is one of the two most probable ones); and ``off_by_one_accuracy`` (the predicted class is the gold one
    or next to it), which is meaningful only where the classes are ordered, like those of sst.

    Args:
        classes: their names, K.
        predictions: class probabilities, (N, K).
        gold: class indices, (N,).
    """
    predicted = predicted_classes(predictions)
    confusion = confusion_matrix(predictions, gold)
    right, taken, there = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    # Where nothing is counted nothing is right: dividing by 1 instead gives 0.
    f1 = 2 * right / np.maximum(taken + there, 1)
    per_class = {"precision": right / np.maximum(taken, 1), "recall": right / np.maximum(there, 1), "f1": f1}
    found = {"accuracy": float(right.sum() / len(gold))}
    found |= {name: float(values.mean()) for name, values in per_class.items()}
    false_positive = (taken - right) / np.maximum(len(gold) - there, 1)
    false_negative = (there - right) / np.maximum(there, 1)
    if len(classes) == 2:
        found["f1_positive"] = float(f1[1])
        found["false_positive_rate"] = float(false_positive[1])
        found["false_negative_rate"] = float(false_negative[1])
    else:
        per_class |= {"false_positive_rate": false_positive, "false_negative_rate": false_negative}
        # Ties go to the first classes, as in predicted_classes: never below the accuracy.
        two_best = np.argsort(-predictions, axis=1, kind="stable")[:, :2]
        found["top_2_accuracy"] = float((two_best == gold[:, None]).any(axis=1).mean())
        found["off_by_one_accuracy"] = float((np.abs(predicted - gold) <= 1).mean())
    for name, values in per_class.items():
        found |= {f"{name}/{label}": float(value) for label, value in zip(classes, values, strict=True)}
    return found
