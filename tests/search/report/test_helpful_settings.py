"""Settings that set the winner apart and go with better scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.statistics import Interval
from search.analysis.importance.effects import Effect
from search.analysis.importance.importance import Importance
from search.report.helpful_settings import (
    HelpfulSetting,
    helpful_settings,
    helpful_settings_sentence,
    mean_at,
    shared_settings,
)


def effect(
    path: str, kind: Any, values: list[Any], means: list[float], tasks: tuple[str, ...] = (), width: float = 0.02
) -> Effect:
    ends = tuple(means)
    best, worst = int(np.argmax(means)), int(np.argmin(means))
    return Effect(
        path,
        path,
        kind,
        9,
        tuple(values),
        ends,
        ends,
        ends,
        best,
        worst,
        width * (1.0 - np.eye(len(values))),
        kind == "number",
        tasks,
    )


RATE = effect("rate", "number", [1e-5, 1e-4, 1e-3], [0.5, 0.7, 0.6])
RANK = effect("rank", "choice", [0, 8], [0.50, 0.53])
SHARES = effect("loss.weights", "shares", [(1.0, 0.0), (0.5, 0.5)], [0.4, 0.6], ("sst", "sts"))


def test_the_mean_at_a_value() -> None:
    assert mean_at(RATE, 1e-4) == 0.7
    assert mean_at(RATE, math.sqrt(1e-5 * 1e-4)) == pytest.approx(0.6)  # half-way on a logarithmic scale
    assert mean_at(RATE, 1.0) == 0.6
    assert mean_at(RANK, 8) == 0.53
    assert math.isnan(mean_at(RANK, 4))
    assert mean_at(SHARES, {"sst": 0.6, "sts": 0.4}) == 0.6


def share(path: str, *, is_clear: bool = True) -> Importance:
    number = Interval(0.3, 0.1 if is_clear else -0.1, 0.5)
    return Importance(path, 9, number, number)


def test_gains_are_those_of_clear_settings_in_which_the_winner_differs_for_the_better() -> None:
    winner = {"rate": 1e-4, "rank": 8, "loss.weights.sst": 0.5, "loss.weights.sts": 0.5, "alpha": 3.0}
    default = {"rate": 1e-5, "rank": 0, "loss.weights.sst": 1.0, "loss.weights.sts": 0.0}
    effects = [RATE, RANK, SHARES]
    clear = [share("rank"), share("rate"), share("loss.weights"), share("alpha")]
    found = helpful_settings(clear, effects, winner, default)
    assert [one.path for one in found] == ["rate", "loss.weights", "rank"]  # alpha: the default has none
    assert [one.gap for one in found] == pytest.approx([0.2, 0.2, 0.03])
    assert found[1].winner == {"sst": 0.5, "sts": 0.5}
    assert helpful_settings(clear, effects, default, winner) == []  # worse
    assert helpful_settings(clear, effects, winner, winner) == []
    assert helpful_settings([share("rate", is_clear=False)], effects, winner, default) == []
    unsure = [effect("rank", "choice", [0, 8], [0.50, 0.53], width=0.04), RATE]
    assert [one.path for one in helpful_settings(clear, unsure, winner, default)] == ["rate"]
    # A third of the way between two points on a logarithmic scale the gap is a third, and so is its interval.
    near = {**default, "rate": 1e-5 * 10 ** (1 / 3)}
    (gain,) = helpful_settings([share("rate")], effects, near, default)
    assert gain.gap == pytest.approx(0.2 / 3)
    assert (
        helpful_settings(
            [share("rate")], [effect("rate", "number", [1e-5, 1e-4], [0.5, 0.7], width=0.21)], near, default
        )
        == []
    )
    assert shared_settings(clear, winner, {**default, "rank": 8}) == ["rank"]


def test_the_sentence_on_helpful_settings() -> None:
    gains = [HelpfulSetting("optim.learning_rate", 1e-4, 2e-5, 0.031), HelpfulSetting("lora.rank", 8, 0, 0.01)]
    line = helpful_settings_sentence(gains, [], has_ablation=False)
    assert "optim.learning_rate 0.0001 instead of 2e-05 (trials with such a value score 0.031 higher)" in line
    assert "lora.rank 8 instead of 0 (trials with such a value score 0.010 higher). " in line
    line = helpful_settings_sentence([], ["lora.rank"], has_ablation=False)
    assert "already has the winner's value of what clearly mattered (lora.rank)." in line
    assert "do not show which of the changed settings" in line
