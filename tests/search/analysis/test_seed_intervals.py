"""Differences and what is said of their intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.analysis.seed_intervals import (
    OVERALL,
    Difference,
    apart_notes,
    by_configuration,
    gain_in,
    interval_note,
    interval_scope,
    score_intervals,
    score_values,
)
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial, TrialResult

SST = builtin_tasks()["sst"]
STS = {**builtin_tasks()["sts"].model_dump(), "metric": "rmse"}
CONFIG = RunConfig.model_validate({"tasks": {"sst": {"spec": SST}, "sts": {"spec": STS}}})


def finished(number: int, overall: float | None, sst: float) -> FinishedTrial:
    return FinishedTrial(number, "", CONFIG, TrialResult(overall, {"sst": sst, "sts": 1.0}))


@pytest.mark.parametrize(
    ("value", "half_width", "verdict"),
    [
        (0.02, 0.01, "helps"),
        (-0.02, 0.01, "harms"),
        (0.01, 0.02, "unclear"),
        (0.01, 0.01, "unclear"),
        (0.5, None, "unclear"),
    ],
)
def test_verdicts(value: float, half_width: float | None, verdict: str) -> None:
    difference = Difference(value, half_width)
    assert difference.verdict == verdict
    assert difference.is_clear == (verdict != "unclear")


def test_replicates_are_split_by_configuration() -> None:
    runs = {"a": [finished(0, 0.5, 0.5)] * 2, "b": [finished(2, 0.5, 0.5)]}
    found = by_configuration(runs, np.array([[1, 2, 3], [4, 5, 6]]))
    assert {name: values.tolist() for name, values in found.items()} == {"a": [[1, 2], [4, 5]], "b": [[3], [6]]}


def test_a_smaller_error_is_a_gain() -> None:
    assert gain_in("sts", 0.5, 0.75, CONFIG) == 0.25
    assert gain_in("sst", 0.5, 0.75, CONFIG) == gain_in(OVERALL, 0.5, 0.75, CONFIG) == -0.25


def test_scores_of_finished_runs() -> None:
    records = [finished(0, 0.6, 0.4), finished(1, None, 0.5)]
    assert score_values(records, OVERALL) == [0.6]
    assert score_values(records, "sst") == [0.4, 0.5]


def test_without_predictions_intervals_are_for_seeds_alone(tmp_path: Path) -> None:
    runs = {"a": [finished(0, 0.6, 0.4), finished(1, 0.7, 0.5)], "b": [finished(2, 0.5, 0.3), finished(3, 0.4, 0.2)]}
    found, unknown = score_intervals(runs, TrialFolders(tmp_path), CONFIG)
    assert unknown
    assert set(found) == {OVERALL, "sst", "sts"}
    width = found[OVERALL].difference_half_width(0, 1)
    assert width == pytest.approx(4.302653 * np.sqrt(0.005), rel=1e-5)  # t(0.975, 2), variance 0.005 in both groups


@pytest.mark.parametrize(
    ("seeds_known", "unknown", "scope"),
    [
        (True, "", "for other dev examples and other seeds"),
        (
            False,
            "",
            "for other dev examples only: with one seed per configuration, the spread over seeds is not known",
        ),
        (True, "they are gone", "for other seeds only, not for other dev examples: they are gone"),
    ],
)
def test_what_an_interval_is_for(seeds_known: bool, unknown: str, scope: str) -> None:
    assert interval_scope(seeds_known, unknown) == scope
    assert interval_note(seeds_known, unknown) == f"± is half the width of a 95 % interval {scope}."


def test_no_intervals_at_all() -> None:
    assert interval_scope(False, "they are gone") == ""
    assert interval_note(False, "they are gone").startswith("There are no intervals: with one seed per configuration")


def test_rows_with_intervals_of_their_own() -> None:
    assert apart_notes({"a": [], "b": ["overall"], "c": ["overall", "sts"]}) == [
        "The runs of b vary so much that its interval is based on them alone.",
        "The runs of c vary so much in overall and sts that its interval is based on them alone.",
    ]
