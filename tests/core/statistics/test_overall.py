"""The overall score of the architecture."""

from __future__ import annotations

import pytest

from core.statistics import normalised_score, overall_score
from data.metrics import find_metric
from tests.core.statistics.task_cases import SPECS, by_f1


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


def test_an_error_counts_by_its_share_of_the_score_range() -> None:
    specs = {"sst": SPECS["sst"], "sts": SPECS["sts"].model_copy(update={"metric": find_metric("rmse")})}
    found = overall_score({"sst": 0.5, "sts": 1.0}, specs, {"sst": 1.0, "sts": 1.0})
    assert found == pytest.approx((0.5 + (1 - 1.0 / 5.0)) / 2)
