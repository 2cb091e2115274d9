"""Stochastic weight averaging: an even mean from the start on, scored and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.techniques.stochastic_weight_averaging import StochasticWeightAveraging
from core.trainer import TrainingRun, train

MakeConfig = Callable[..., RunConfig]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def config(small_config: MakeConfig) -> RunConfig:
    """Return a run of 30 steps, averaged over those after the twelfth."""
    return small_config(swa={"start": 0.4}, optim={"learning_rate": 3e-3, "schedule": "constant"})


def weights(run: TrainingRun) -> dict[str, Tensor]:
    return {name: weight.detach().double().clone() for name, weight in run.model.named_parameters()}


def averaged(run: TrainingRun) -> dict[str, Tensor]:
    with run.techniques["stochastic_weight_averaging"].evaluation_weights(run.model):
        return weights(run)


def test_the_average_is_the_mean_of_the_weights_after_the_start(
    config: RunConfig, resources: Resources, tmp_path: Path
) -> None:
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    seen = []
    for _ in range(20):
        run.step()
        if run.progress.examples <= 240:  # nothing is averaged yet: the trained weights are scored
            assert all(torch.equal(averaged(run)[name], weight) for name, weight in weights(run).items())
        else:
            seen.append(weights(run))
    assert len(seen) == 8
    for name, average in averaged(run).items():
        expected = torch.stack([kept[name] for kept in seen]).mean(dim=0)
        assert torch.allclose(average, expected, rtol=1e-5, atol=1e-6)
        assert torch.equal(weights(run)[name], seen[-1][name])  # training goes on from its own weights


def test_an_interruption_changes_nothing(config: RunConfig, resources: Resources, tmp_path: Path) -> None:
    """A resumed run that forgot the count would weigh its first update as much as all before."""
    ends = []
    for folder, stop in (("whole", None), ("resumed", 17)):
        run = TrainingRun(config, RunFolder(tmp_path / folder), resources)
        run.folder.make()
        for step in range(25):
            if step == stop:
                run.save()
                run = TrainingRun(config, RunFolder(tmp_path / folder), resources)
                run.resume()
            run.step()
        ends.append(averaged(run))
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_the_average_wanders_less_than_the_weights(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """At a rate that is too high the dev loss of the weights jumps about, and their average settles."""
    spread = {}
    for name, start in (("trained", None), ("averaged", 0.3)):
        config = small_config(
            ("sts",),
            swa={"start": start},
            optim={"learning_rate": 1e-2, "schedule": "constant"},
            budget={"examples": 6_000, "batch_size": 20},
            eval={"rungs": 30},
        )
        train(config, tmp_path / name, resources, NullRunObserver())
        errors = [e.metrics["sts"]["mse"] for e in RunFolder(tmp_path / name).read_metrics()[15:]]
        spread[name] = float(np.abs(np.diff(errors)).mean())
    assert spread["averaged"] < 0.3 * spread["trained"]


def test_it_is_off_by_default(small_config: MakeConfig) -> None:
    assert StochasticWeightAveraging.from_config(small_config()) is None
