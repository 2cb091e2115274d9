import numpy as np
import pytest
from scipy.stats import skew

from search.init.metric_choice import _skewness, metric_of_classes, metric_of_scores


@pytest.mark.parametrize(
    ("counts", "metric", "classes"),
    [
        ({"a": 50, "b": 50}, "accuracy", ("a", "b")),
        ({"a": 70, "b": 30}, "f1", ("a", "b")),
        ({"a": 95, "b": 5}, "f1_positive", ("a", "b")),
        ({"a": 5, "b": 95}, "f1_positive", ("b", "a")),
        ({"0": 5, "1": 95}, "mcc", ("0", "1")),
        ({"0": 95, "1": 5}, "f1_positive", ("0", "1")),
        ({"a": 30, "b": 35, "c": 35}, "accuracy", ("a", "b", "c")),
        ({"a": 80, "b": 10, "c": 10}, "f1", ("a", "b", "c")),
    ],
)
def test_metrics_of_classes(counts: dict[str, int], metric: str, classes: tuple[str, ...]) -> None:
    found = metric_of_classes(counts)
    assert (found.name, found.classes, found.is_balanced) == (metric, classes, metric == "accuracy")


def test_skewness_is_that_of_scipy() -> None:
    values, counts = np.array([1.0, 2.0, 9.0]), np.array([5.0, 3.0, 1.0])
    assert _skewness(values, counts) == pytest.approx(skew(np.repeat(values, counts.astype(int))))
    assert _skewness(np.array([1e300, 2e300]), np.array([1.0, 1.0])) == pytest.approx(0.0)


def test_metrics_of_scores() -> None:
    assert metric_of_scores({"1": 10, "2": 10, "3": 10, "?": 1})[0] == "pearson"
    assert metric_of_scores({"1": 100, "2": 10, "90": 1})[0] == "spearman"
