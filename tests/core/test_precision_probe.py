"""The choice between float32 and bfloat16, with a clock that is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.precision_probe import choose_precision
from core.run.precision import check_precision
from core.trainer import TrainingRun
from data.batching import Batch
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]


class Clock:
    """Time the steps as a test says, and remember their precisions and batches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, bfloat16: tuple[float, ...]) -> None:
        self.half = iter(bfloat16)
        self.steps: list[str] = []
        self.batches: list[list[int]] = []
        monkeypatch.setattr("core.precision_probe.seconds_of", self.seconds_of)
        loss = TrainingRun._loss

        def seen(run: TrainingRun, batch: Batch) -> torch.Tensor:
            self.batches.append(batch.positions.tolist())
            return loss(run, batch)

        monkeypatch.setattr(TrainingRun, "_loss", seen)

    def seconds_of(self, step: Any, device: torch.device) -> float:
        assert device.type == "cpu"
        step()
        self.steps.append(step.__self__.config.compute.precision)
        if len(self.steps) % 4 in (1, 2):
            return 99.0  # warms up
        return 1.0 if self.steps[-1] == "float32" else next(self.half)


def automatic(make: MakeConfig) -> RunConfig:
    return make(("sst", "para"), compute={"precision": "auto", "device": "cpu"})


@pytest.mark.parametrize(
    ("bfloat16", "precision", "reason"),
    [
        # The first step on each batch warms up; the median decides, whatever one slow step took.
        ((0.5, 0.5, 0.5, 0.5, 7.0), "bfloat16", "2.00 times as fast as float32 when the study began"),
        ((0.9, 0.9, 0.9, 0.9, 0.1), "float32", "bfloat16 was 1.11 times as fast when the study began"),
        ((4.0, 4.0, 4.0, 4.0, 4.0), "float32", "bfloat16 was 0.25 times as fast when the study began"),
    ],
)
def test_the_faster_one_is_chosen(
    small_config: MakeConfig,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    bfloat16: tuple[float, ...],
    precision: str,
    reason: str,
) -> None:
    """Both train on the same batches, in turns; a gain that may be an error of measurement does not count."""
    clock = Clock(monkeypatch, bfloat16)
    chosen = choose_precision(automatic(small_config), resources)
    assert (chosen.precision, chosen.reason) == (precision, reason)
    rounds = [clock.batches[i : i + 4] for i in range(0, len(clock.batches), 4)]
    assert len(rounds) == 5
    assert all(batch == of_round[0] for of_round in rounds for batch in of_round)
    assert len({tuple(of_round[0]) for of_round in rounds}) > 1
    assert {tuple(clock.steps[i : i + 2]) for i in (2, 6)} == {("float32", "bfloat16"), ("bfloat16", "float32")}


def test_without_hardware_nothing_is_measured(
    small_config: MakeConfig, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.run.precision._has_bfloat16", lambda device: False)  # noqa: ARG005
    clock = Clock(monkeypatch, ())
    chosen = choose_precision(automatic(small_config), resources)
    assert (chosen.precision, chosen.reason) == ("float32", "device 'cpu' does not support bfloat16")
    assert not clock.steps


def test_a_precision_that_is_given_is_only_checked(
    small_config: MakeConfig, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = small_config(compute={"precision": "bfloat16", "device": "cpu"})
    assert choose_precision(half, resources).precision == "bfloat16"
    monkeypatch.setattr("core.run.precision._has_bfloat16", lambda device: False)  # noqa: ARG005
    with pytest.raises(UserError, match="device 'cpu' does not support bfloat16 here"):
        choose_precision(half, resources)


def test_a_single_run_must_have_a_precision(small_config: MakeConfig) -> None:
    """Its digest would not say how it was trained."""
    with pytest.raises(UserError, match=r"compute\.precision = 'auto' is for studies; a single run needs 'float32' or"):
        check_precision(automatic(small_config).compute, torch.device("cpu"))
