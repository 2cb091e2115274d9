"""Who can win."""

from __future__ import annotations

import pytest

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.finalists.selection import below_floors, contenders
from search.trials.record import FinishedTrial, TrialResult

CONFIG = RunConfig.model_validate({"tasks": {"sts": {"spec": builtin_tasks()["sts"]}}})
BY_RMSE = CONFIG.model_validate({"tasks": {"sts": {"spec": {**builtin_tasks()["sts"].model_dump(), "metric": "rmse"}}}})


def runs_of(*scores: tuple[float, float], config: RunConfig = CONFIG) -> list[FinishedTrial]:
    """Return runs with these scores, overall and of sts."""
    return [FinishedTrial(0, "", config, TrialResult(overall, {"sts": sts})) for overall, sts in scores]


def test_means_decide_and_must_meet_the_floors() -> None:
    low = runs_of((0.9, 0.5), (0.9, 0.68))
    runs = {"low": low, "fair": runs_of((0.7, 0.5), (0.6, 0.7)), "good": runs_of((0.8, 0.9), (0.7, 0.9))}
    assert contenders(runs, {}, ()) == pytest.approx({"low": 0.9, "fair": 0.65, "good": 0.75})
    assert contenders(runs, {"sts": 0.6}, ()) == pytest.approx({"fair": 0.65, "good": 0.75})
    assert below_floors(low, {"sts": 0.6}) == pytest.approx({"sts": 0.59})
    assert below_floors(low, {"sts": 0.589}) == {}
    assert list(contenders(runs, {"sts": 0.6}, {"good"})) == ["fair"]
    assert contenders(runs, {"sts": 0.95}, ()) == {}
    assert contenders({"none": []}, {}, ()) == {}


def test_the_floor_of_an_error_is_a_ceiling() -> None:
    runs = {name: runs_of((0.8, error), config=BY_RMSE) for name, error in (("near", 0.9), ("far", 1.1))}
    assert list(contenders(runs, {"sts": 1.0}, ())) == ["near"]
    assert below_floors(runs["far"], {"sts": 1.0}) == {"sts": 1.1}


def test_a_mean_over_fewer_seeds_cannot_win() -> None:
    """Unless nobody who meets the floors has more."""
    runs = {"two": runs_of((0.9, 0.9), (0.9, 0.9)), "three": runs_of(*[(0.8, 0.5)] * 3), "one": runs_of((0.99, 0.9))}
    assert list(contenders(runs, {}, ())) == ["three"]
    assert list(contenders(runs, {"sts": 0.6}, ())) == ["two"]
    assert list(contenders(runs, {}, {"three"})) == ["two"]
