"""The speed of a run by hand, with a clock that is set."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.speed import Speed
from core.speed_probe import measure_speed

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a training step take two seconds and scoring a batch half a second; return what was timed."""
    timed: list[str] = []

    def seconds_of(work: Callable[[], object], device: torch.device) -> float:
        assert device.type == "cpu"
        work()
        timed.append("score" if hasattr(work, "func") else "step")
        return 0.5 if hasattr(work, "func") else 2.0

    monkeypatch.setattr("core.speed_probe.seconds_of", seconds_of)
    return timed


def test_examples_a_second_and_examples_to_score(
    small_config: MakeConfig, resources: Resources, clock: list[str]
) -> None:
    """Of 60 dev examples of each task, in batches of 25, three are scored."""
    config = small_config(eval={"rungs": 3, "batch_size": 25, "train_examples": 40})
    speed = measure_speed(config, resources)
    assert clock == ["step"] * 4 + ["score"] * 3
    assert speed.train_examples_per_second == pytest.approx(20 / 2.0)
    assert speed.eval_examples_per_second == pytest.approx(180 / (3 * math.ceil(60 / 25) * 0.5))
    assert speed.scored_examples == 180 + 3 * 40
    assert speed.pretraining_seconds == 0.0


def test_scoring_is_timed_in_the_batches_that_runs_score_in(
    small_config: MakeConfig, resources: Resources, clock: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most one example per batch, because it may have a single token."""
    monkeypatch.setattr("core.scoring._TOKENS_ON_CPU", 1)
    speed = measure_speed(small_config(("sst",)), resources)
    assert clock.count("score") == 1
    assert speed.eval_examples_per_second == pytest.approx(1 / 0.5)


def test_training_examples_that_are_scored_are_at_most_those_there_are(
    small_config: MakeConfig, resources: Resources, clock: list[str]
) -> None:
    speed = measure_speed(small_config(("sst",), eval={"rungs": 3, "train_examples": 10_000}), resources)
    assert clock
    assert speed.scored_examples == 60 + 240


def test_stages_are_estimated_apart(
    small_config: MakeConfig, resources: Resources, clock: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def seconds(config: RunConfig, *_: object) -> float:
        asked.append(config)
        return 12.5

    monkeypatch.setattr("core.speed_probe.stage_seconds", seconds)
    config = small_config(("sst",), pretraining={"mlm": {"examples": 200}})
    assert measure_speed(config, resources).pretraining_seconds == 12.5
    assert asked == [config]
    assert clock.count("step") == 4


def test_early_rungs_that_score_a_part_take_a_part_of_the_time(small_config: MakeConfig) -> None:
    speed = Speed(train_examples_per_second=10.0, eval_examples_per_second=100.0, scored_examples=200)
    config = small_config(eval={"rungs": 5, "early_share": 0.25})
    assert speed.seconds(config) == pytest.approx(config.budget.examples / 10 + (4 * 0.25 + 1) * 2)
