"""Batch sizes of a task's own, and what counts alike where they differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, TrainingRun, train

MakeConfig = Callable[..., RunConfig]

SIZES = {"sst": 3, "para": 32, "sts": 2}


def sized(config: RunConfig, sizes: dict[str, int]) -> RunConfig:
    values = config.model_dump()
    for task, size in sizes.items():
        values["tasks"][task]["batch_size"] = size
    return RunConfig.model_validate(values)


def without_dropout(make: MakeConfig, **sections: Any) -> RunConfig:
    pair = {"dropout": 0.0, "pair": "siamese", "pooling": "mean"}
    return make(
        model={"dropout": 0.0, "attention_dropout": 0.0},
        heads={"sst": {"dropout": 0.0}, "para": pair, "sts": pair},
        **{"optim": {"clip_norm": None}, **sections},
    )


class Kept:
    """A gradient rule that keeps the weighted losses, and the sum of their gradients with respect to the model."""

    def __init__(self, run: TrainingRun) -> None:
        self._run, self._rule = run, run.gradients
        self.losses: dict[str, float] = {}
        self.gradient: dict[str, Tensor] = {}

    def add(self, task: str, loss: Tensor) -> None:
        self.losses[task] = loss.item()
        self._rule.add(task, loss)

    def combine(self, step: int) -> None:
        self._rule.combine(step)
        parameters = self._run.model.named_parameters()
        self.gradient = {name: p.grad.clone() for name, p in parameters if p.grad is not None}

    def state_dict(self) -> dict[str, Any]:
        return self._rule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rule.load_state_dict(state)


def one_step(config: RunConfig, resources: Resources, folder: Path) -> tuple[TrainingRun, Kept]:
    torch.set_num_threads(1)
    run = TrainingRun(config, RunFolder(folder), resources)
    run.gradients = kept = Kept(run)
    run.step()
    return run, kept


def mean_losses(config: RunConfig, resources: Resources, folder: Path) -> tuple[TrainingRun, dict[str, Tensor]]:
    """Return each task's mean loss on its first batch, at the initial weights."""
    run = TrainingRun(config, RunFolder(folder), resources)
    run.model.train()
    losses = {}
    for task, data in run.tasks.items():
        batch = data.next_batch(SIZES[task])
        assert batch.labels is not None
        losses[task] = run.model.losses[task].loss(run.model(batch), batch.labels)
    return run, losses


def test_a_batch_has_its_tasks_size(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """sst has none of its own and takes that of the budget."""
    config = sized(small_config(sampler={"order": "together"}, budget={"batch_size": 5}), {"para": 32, "sts": 2})
    run, _ = one_step(config, resources, tmp_path)
    assert {task: data.state_dict()["position"] for task, data in run.tasks.items()} == {"sst": 5, "para": 32, "sts": 2}
    assert run.progress.examples == 39


@pytest.mark.parametrize(
    ("count", "factors"),
    [
        ("examples", {task: size / (37 / 3) for task, size in SIZES.items()}),
        ("batches", dict.fromkeys(SIZES, 1.0)),
    ],
)
def test_what_counts_alike(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, count: str, factors: dict[str, float]
) -> None:
    """The gradient is that of sum_i (b_i / mean b) L_i, or of sum_i L_i, of the mean losses L_i.

    Catches b_i / sum b (a third of the learning rate), and 1 / b_i.
    """
    config = sized(without_dropout(small_config, sampler={"order": "together"}, loss={"count": count}), SIZES)
    _, kept = one_step(config, resources, tmp_path / "run")
    reference, losses = mean_losses(config, resources, tmp_path / "reference")
    for task, loss in losses.items():
        assert kept.losses[task] == pytest.approx(factors[task] * loss.item(), rel=1e-5)
    torch.stack([factors[task] * loss for task, loss in losses.items()]).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in reference.model.named_parameters():
        assert (parameter.grad is None) == (name not in kept.gradient)
        if parameter.grad is not None:
            torch.testing.assert_close(kept.gradient[name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_every_example_has_the_same_weight(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """The same 32 + 3 + 2 examples in a together-step: their summed losses over the mean batch size."""
    config = sized(without_dropout(small_config, sampler={"order": "together"}), SIZES)
    _, kept = one_step(config, resources, tmp_path / "run")
    _, losses = mean_losses(config, resources, tmp_path / "reference")
    summed = sum(SIZES[task] * loss.item() for task, loss in losses.items())
    assert sum(kept.losses.values()) == pytest.approx(summed / (sum(SIZES.values()) / 3), rel=1e-5)


@pytest.mark.parametrize("count", ["examples", "batches"])
def test_equal_sizes_count_alike_anyway(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, count: str
) -> None:
    config = without_dropout(small_config, sampler={"order": "together"}, loss={"count": count})
    config = sized(config, dict.fromkeys(SIZES, 4))
    _, kept = one_step(config, resources, tmp_path / count)
    _, plain = one_step(sized(config, dict.fromkeys(SIZES, 4)), resources, tmp_path / "plain")
    assert kept.losses == plain.losses
    run = TrainingRun(config, RunFolder(tmp_path / "reference"), resources)
    batch = run.tasks["sst"].next_batch(4)
    assert batch.labels is not None
    run.model.train()
    expected = run.model.losses["sst"].loss(run.model(batch), batch.labels).item()
    assert kept.losses["sst"] == pytest.approx(expected, rel=1e-5)


def test_a_batch_may_be_larger_than_the_task(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """It goes more than once through the 240 examples, and the budget is reached all the same."""
    config = sized(small_config(("sst",), budget={"examples": 600}), {"sst": 500})
    assert train(config, tmp_path, resources, NullRunObserver()) == RunOutcome.FINISHED
    evaluations = RunFolder(tmp_path).read_metrics()
    assert [(e.rung, e.examples) for e in evaluations] == [(200, 500), (400, 500), (600, 1_000)]
