"""How metrics are found: by file, name and alias."""

from __future__ import annotations

import pytest

from data.kinds import Kind
from data.metrics import all_metrics, find_metric
from tests.data.metrics.new_metric import NewMetric

NAMES = [
    *("accuracy", "average_precision", "f1", "f1_positive", "mcc", "mean_absolute_error", "pearson"),
    *("quadratic_kappa", "rmse", "roc_auc", "spearman"),
]


def test_every_file_is_found() -> None:
    assert [metric.name for metric in all_metrics()] == NAMES


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("macro-f1", "f1"),
        ("f1-macro", "f1"),
        ("f1_macro", "f1"),
        ("Macro F1", "f1"),
        ("binary-f1", "f1_positive"),
        ("AUC", "roc_auc"),
        ("mae", "mean_absolute_error"),
        ("qwk", "quadratic_kappa"),
    ],
)
def test_aliases(alias: str, name: str) -> None:
    assert find_metric(alias).name == name


def test_a_wrong_name_is_answered_with_the_nearest_and_the_list() -> None:
    with pytest.raises(ValueError, match=r"no metric 'acuracy'; did you mean 'accuracy'\? Known: " + ", ".join(NAMES)):
        find_metric("acuracy")
    with pytest.raises(
        ValueError, match=r"no metric 'loss'\. Known for score: mean_absolute_error, pearson, quadratic_kappa, rmse, "
    ):
        find_metric("loss", Kind.SCORE)


def test_a_new_file_is_a_new_metric(new_metric: NewMetric) -> None:
    new_metric("within_one")
    assert "within_one" in [metric.name for metric in all_metrics()]
    assert find_metric("within-one").label == "within one"


def test_a_name_that_is_taken_is_refused(new_metric: NewMetric) -> None:
    new_metric("other", aliases=("macro_f1",))
    with pytest.raises(ValueError, match=r"'macro_f1' is already a name of metric '(f1|other)'"):
        all_metrics()
