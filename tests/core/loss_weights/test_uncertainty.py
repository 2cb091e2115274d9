"""Loss weights learned as the tasks' uncertainties."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from core.config import RunConfig
from core.inputs.resources import Resources
from core.loss_weights import make_loss_weighting
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from tests.core.loss_weights.weights import LEARNED, START, weight

MakeConfig = Callable[..., RunConfig]
CPU = torch.device("cpu")


def test_every_rung_keeps_the_learned_weights(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    run = TrainingRun(small_config(**RUN), RunFolder(tmp_path), resources)
    run.folder.make()
    for _ in range(2):
        for _ in range(3):
            run.step()
        expected = {task: weight(run.weighting, task) for task in run.config.tasks}
        assert run.evaluate().loss_weights == pytest.approx(expected, rel=1e-5)
    first, second = (evaluation.loss_weights for evaluation in run.folder.read_metrics())
    assert all(first[task] != second[task] for task in run.config.tasks)


def test_learned_weights_start_from_the_given_ones(small_config: MakeConfig) -> None:
    """For classes (sst, para) as for a squared error (sts), whose formula has a factor of 1/2."""
    given = {"sst": 0.2, "para": 0.5, "sts": 1.4}
    learned = make_loss_weighting(small_config(loss={**LEARNED, "weights": given}), CPU)
    expected = [value * 3 / 2.1 for value in given.values()]
    assert [weight(learned, task) for task in given] == pytest.approx(expected, rel=1e-5)


def test_the_formulas_of_the_paper(small_config: MakeConfig) -> None:
    """exp(-s) L + s / 2 for classes and scores as classes, 1/2 exp(-s) L + s / 2 for a squared error."""
    by_classes = {"sts": {"output": "classes", "pair": "siamese"}}
    for heads, factor in (({}, 0.5), (by_classes, 1.0)):
        learned = make_loss_weighting(small_config(loss=LEARNED, heads=heads), CPU)
        for task, own in (("sst", 1.0), ("para", 1.0), ("sts", factor)):
            s = learned.parameters[("sst", "para", "sts").index(task)]
            with torch.no_grad():
                s.fill_(0.6)
            loss = learned.weigh(task, torch.tensor(3.0), START)
            assert loss.item() == pytest.approx(own * math.exp(-0.6) * 3.0 + 0.3)


@pytest.mark.parametrize("task", ["sst", "sts"])
@pytest.mark.parametrize("loss", [0.25, 4.0])
def test_learned_weights_settle_at_one_over_twice_the_loss(small_config: MakeConfig, task: str, loss: float) -> None:
    """d/ds (c exp(-s) L + s / 2) = 0 at c exp(-s) = 1 / (2 L). Wrong: s in place of s / 2 gives 1 / L."""
    learned = make_loss_weighting(small_config(loss=LEARNED), CPU)
    optimiser = torch.optim.Adam(learned.parameters, lr=0.05)
    for step in range(400):
        optimiser.zero_grad()
        learned.weigh(task, torch.tensor(loss), Progress(step, step, 400, 10)).backward()
        optimiser.step()
    assert weight(learned, task) == pytest.approx(1 / (2 * loss), rel=1e-3)


def test_for_a_squared_error_sigma_is_that_of_the_noise(small_config: MakeConfig) -> None:
    """Mean and variance of noisy numbers, learned together, are those of the sample: the likelihood of equation 5."""
    learned = make_loss_weighting(small_config(loss=LEARNED), CPU)
    numbers = 3 + 1.7 * torch.randn(500, generator=torch.Generator().manual_seed(0))
    mean = nn.Parameter(torch.tensor(0.0))
    optimiser = torch.optim.Adam([mean, *learned.parameters], lr=0.1)
    for step in range(300):
        optimiser.zero_grad()
        learned.weigh("sts", (mean - numbers).square().mean(), Progress(step, step, 300, 10)).backward()
        optimiser.step()
    assert mean.item() == pytest.approx(numbers.mean().item(), rel=1e-3)
    assert math.exp(learned.parameters[2].item()) == pytest.approx(numbers.var(correction=0).item(), rel=1e-3)


def test_a_task_without_a_batch_keeps_its_weight(small_config: MakeConfig) -> None:
    """Wrong: all weights in one parameter would be moved by Adam's momentum in every update."""
    learned = make_loss_weighting(small_config(loss=LEARNED), CPU)
    optimiser = torch.optim.AdamW(learned.parameters, lr=0.05, weight_decay=0.0)
    for task in ("sst", "para", "para"):
        before = [s.item() for s in learned.parameters]
        optimiser.zero_grad()
        learned.weigh(task, torch.tensor(2.0), START).backward()
        optimiser.step()
        moved = [s.item() != old for s, old in zip(learned.parameters, before, strict=True)]
        assert moved == [name == task for name in ("sst", "para", "sts")]


def test_learned_weights_survive_a_checkpoint_in_the_same_parameters(small_config: MakeConfig, tmp_path: Path) -> None:
    first, second = (make_loss_weighting(small_config(loss=LEARNED), CPU) for _ in range(2))
    with torch.no_grad():
        for number, s in enumerate(first.parameters):
            s.fill_(0.1 + number / 7)
    save_checkpoint(tmp_path / "weights.pt", first.state_dict())
    held: list[nn.Parameter] = list(second.parameters)  # by the optimiser
    second.load_state_dict(load_checkpoint(tmp_path / "weights.pt"))
    assert all(s is old for s, old in zip(second.parameters, held, strict=True))
    assert all(torch.equal(s, old) for s, old in zip(second.parameters, first.parameters, strict=True))
    assert all(s.requires_grad for s in second.parameters)


def test_learned_weights_live_where_the_losses_are(small_config: MakeConfig) -> None:
    learned = make_loss_weighting(small_config(loss=LEARNED), torch.device("meta"))
    assert {s.device.type for s in learned.parameters} == {"meta"}


RUN: dict[str, Any] = {
    "loss": {**LEARNED, "uncertainty_rate": 0.05},
    "sampler": {"order": "round-robin"},
    "optim": {"learning_rate": 3e-3, "warmup": 0.0, "schedule": "constant"},
    "budget": {"examples": 6000, "batch_size": 20},
}


def test_a_run_weighs_by_what_remains_of_the_losses(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """With labels of sst drawn at random its loss stays near ln 5; with the same label throughout that of para goes."""
    run = TrainingRun(small_config(("sst", "para"), **RUN), RunFolder(tmp_path), resources)
    generator = torch.Generator().manual_seed(0)

    def relabel(task: str, labels: Callable[[], torch.Tensor]) -> None:
        draw = run.tasks[task].next_batch
        run.tasks[task].next_batch = lambda size: replace(draw(size), labels=labels())  # type: ignore[method-assign]

    relabel("sst", lambda: torch.randint(5, (20,), generator=generator))
    relabel("para", lambda: torch.ones(20, dtype=torch.int64))
    for _ in range(160):
        run.step()
    assert weight(run.weighting, "sst") == pytest.approx(1 / (2 * math.log(5)), rel=0.15)
    assert weight(run.weighting, "para") > 3


def test_a_resumed_run_has_the_same_weights(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = small_config(**RUN)

    def state(run: TrainingRun, steps: int) -> dict[str, Any]:
        for _ in range(steps):
            run.step()
        return run.weighting.state_dict()

    first = TrainingRun(config, RunFolder(tmp_path), resources)
    first.resume()
    state(first, 7)
    first.save()
    whole = state(first, 6)
    second = TrainingRun(config, RunFolder(tmp_path), resources)
    second.resume()
    early = state(second, 0)
    resumed = state(second, 6)
    assert all(torch.equal(whole[task], resumed[task]) for task in config.tasks)
    assert all(not torch.equal(whole[task], early[task]) for task in config.tasks)
