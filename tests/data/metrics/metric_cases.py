"""Tasks, one or more for each registered metric, with random labels and predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.metrics import Metric, all_metrics
from data.tasks import TaskSpec

__all__ = ["CASES", "Case", "both_scores", "class_task", "four_classes", "score_task", "two_classes"]


def class_task(classes: int, metric: str) -> TaskSpec:
    fields = {"kind": "classify", "classes": tuple("abcdef"[:classes]), "metric": metric}
    return TaskSpec.model_validate({**_FIELDS, **fields, "name": f"of_{classes}"})


def score_task(metric: str, low: float = 0.0, high: float = 5.0) -> TaskSpec:
    fields = {"kind": "score", "score_range": (low, high), "metric": metric}
    return TaskSpec.model_validate({**_FIELDS, **fields, "name": "scored"})


def both_scores(task: TaskSpec, predictions: np.ndarray, gold: np.ndarray) -> tuple[float, float]:
    """Return the plain score, and the counted score of the resample that contains each example once."""
    counts = np.ones((1, len(gold)))
    return task.metric.score(task, predictions, gold), task.metric.counted_scores(task, [predictions], gold, counts)[
        0, 0
    ]


def two_classes(seed: int, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw gold classes (60,), both present, and probabilities (60, 2), rounded so that some are equal."""
    rng = np.random.default_rng(seed)
    positive = np.round(rng.uniform(0, 1, 60), digits)
    return np.append(rng.integers(0, 2, 58), [0, 1]), np.stack([1 - positive, positive], axis=1)


def four_classes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw gold classes (60,), all present, and probabilities (60, 4)."""
    rng = np.random.default_rng(seed)
    return np.append(rng.integers(0, 4, 56), range(4)), rng.dirichlet(np.ones(4), 60)


_FIELDS = {
    "files": {"train": "t.csv", "dev": "d.csv"},
    "columns": {"sentences": ["text"], "label": "label"},
}


@dataclass(frozen=True)
class Case:
    """A task with its metric."""

    spec: TaskSpec

    def __str__(self) -> str:
        return f"{self.metric}-{self.spec.name}"

    @property
    def metric(self) -> Metric:
        return self.spec.metric

    def gold(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return class indices with rare classes, or scores with ties, (N,)."""
        if self.spec.score_range is not None:
            return rng.integers(0, 11, size).astype(np.float32) / 2 * (self.spec.score_range[1] / 5)
        classes = len(self.spec.classes)
        shares = 0.5 ** np.arange(1, classes + 1)
        return rng.choice(classes, size, p=shares / shares.sum())

    def predictions(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return probabilities (N, K) or scores (N,), float32, some of them equal, some scores outside the range."""
        if self.spec.score_range is not None:
            low, high = self.spec.score_range
            return np.round(rng.uniform(low - 0.5, high + 0.5, size), 1).astype(np.float32)
        numbers = rng.integers(1, 6, (size, len(self.spec.classes)))
        return (numbers / numbers.sum(axis=1, keepdims=True)).astype(np.float32)

    def perfect(self, gold: np.ndarray) -> np.ndarray:
        """Return the best possible predictions."""
        return gold if self.spec.score_range is not None else np.eye(len(self.spec.classes), dtype=np.float32)[gold]


def _cases() -> list[Case]:
    found = []
    for metric in all_metrics():
        for kind in ("classify", "score"):
            if kind not in metric.kinds:
                continue
            for classes in (2, 3, 5) if kind == "classify" else (0,):
                try:
                    spec = class_task(classes, metric.name) if classes else score_task(metric.name)
                except ValueError:
                    continue  # the metric of two classes only
                found.append(Case(spec))
    return found


CASES = _cases()
