"""Gradients accumulated over several turns: their mean, and what counts once an update."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.multitask import MultitaskBert
from core.optim.schedules import rate_factor
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.techniques import Technique
from core.trainer import RunOutcome, TrainingRun, train

MakeConfig = Callable[..., RunConfig]

NO_DROPOUT: dict[str, Any] = {
    "model": {"dropout": 0.0, "attention_dropout": 0.0},
    "heads": {
        task: {"dropout": 0.0, **({} if task == "sst" else {"pair": "siamese", "pooling": "mean"})}
        for task in ("sst", "para", "sts")
    },
}


class GradientSpy(Technique):
    """Keeps the gradient of every update as the optimiser gets it."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Tensor]] = []

    def before_update(self, model: MultitaskBert) -> None:
        self.seen.append(
            {name: p.grad.to_dense().clone() for name, p in model.named_parameters() if p.grad is not None}
        )

    def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()


def limited(config: RunConfig, **limits: int) -> RunConfig:
    """Return the same run on this many training examples of each task."""
    values = config.model_dump()
    for task, limit in limits.items():
        values["tasks"][task]["train_limit"] = limit
    return RunConfig.model_validate(values)


def spied(config: RunConfig, resources: Resources, folder: Path) -> tuple[TrainingRun, GradientSpy]:
    torch.set_num_threads(1)
    run, spy = TrainingRun(config, RunFolder(folder), resources), GradientSpy()
    run.techniques = {**run.techniques, "spy": spy}
    return run, spy


def separate_gradients(config: RunConfig, resources: Resources, folder: Path, tasks: str) -> list[dict[str, Tensor]]:
    """Return the gradient of the mean loss of each task's next batch, one after the other, at the initial weights."""
    run = TrainingRun(config, RunFolder(folder), resources)
    run.model.train()
    gradients = []
    for task in tasks.split():
        batch = run.tasks[task].next_batch(config.batch_size(task))
        assert batch.labels is not None
        run.model.zero_grad()
        run.model.losses[task].loss(run.model(batch), batch.labels).backward()  # type: ignore[no-untyped-call]
        gradients.append(
            {name: p.grad.to_dense().clone() for name, p in run.model.named_parameters() if p.grad is not None}
        )
    return gradients


def combined(gradients: list[dict[str, Tensor]], factors: list[float]) -> dict[str, Tensor]:
    names = {name for gradient in gradients for name in gradient}
    return {
        name: torch.stack([g[name] * f for g, f in zip(gradients, factors, strict=True) if name in g]).sum(0)
        for name in names
    }


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_the_gradient_is_the_mean_over_the_turns(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Catches the sum (a hidden learning rate), and gradients dropped between the turns.

    The second update catches gradients of the first that were left in place.
    """
    config = small_config(
        **NO_DROPOUT,
        sampler={"order": "round-robin"},
        optim={"accumulate": 2, "clip_norm": None, "learning_rate": 1e-30},
    )
    run, spy = spied(config, resources, tmp_path / "run")
    run.step()
    run.step()
    apart = separate_gradients(config, resources, tmp_path / "apart", "sst para sts sst")
    assert_same(spy.seen[0], combined(apart[:2], [0.5, 0.5]))
    assert_same(spy.seen[1], combined(apart[2:], [0.5, 0.5]))


def test_three_batches_of_a_task_are_one_of_three_times_the_size(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    gradients = []
    for batch_size, accumulate in ((240, 1), (80, 3)):  # all training examples, in both
        config = small_config(
            ("sst",),
            model=NO_DROPOUT["model"],
            heads={"sst": {"dropout": 0.0}},
            optim={"clip_norm": None, "accumulate": accumulate},
            budget={"batch_size": batch_size},
        )
        run, spy = spied(config, resources, tmp_path / str(accumulate))
        run.step()
        assert run.progress == Progress(1, 240, 600, 10)
        gradients.append(spy.seen[0])
    assert_same(gradients[1], gradients[0])


@pytest.mark.parametrize("order", ["together", "shuffled", "sequence"])
def test_updates_and_examples_are_counted(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, order: str
) -> None:
    """Steps count updates (for optimiser, schedule and average), turns count for the order alone."""
    config = small_config(
        sampler={"order": order}, optim={"accumulate": 3, "ema": 0.9, "learning_rate": 1e-3}, budget={"examples": 2_000}
    )
    run, spy = spied(config, resources, tmp_path)
    rates = []
    for _ in range(4):
        before = run.progress.examples
        run.step()
        (rate,) = {group["lr"] for group in run.optimiser.state_dict()["param_groups"]}
        middle = (before + run.progress.examples) / 2 / 2_000
        rates.append(rate == pytest.approx(1e-3 * rate_factor("linear", 0.1, middle)))
    assert all(rates)
    assert run.progress == Progress(4, 4 * 3 * 20 * (3 if order == "together" else 1), 2_000, 10)
    assert len(spy.seen) == 4
    steps = [int(state["step"]) for state in run.optimiser.state_dict()["state"].values()]
    assert max(steps) == 4  # a head has one for every update that had a batch of its task
    run.losses.read()
    losses = sum(count for _, count in run.losses.state_dict().values())
    assert losses * 20 == run.progress.examples


def test_the_average_moves_once_an_update(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """a_1 = a_0 + (1 - 2 / 11) (w_1 - a_0) after the first update, whatever the turns."""
    config = small_config(optim={"accumulate": 3, "ema": 0.999})
    run, _ = spied(config, resources, tmp_path)
    name = "encoders.all-tasks.embeddings.word_embeddings.weight"
    weights = dict(run.model.named_parameters())[name]
    start = weights.detach().clone()
    run.step()
    with run.techniques["weight_average"].evaluation_weights(run.model):
        average = weights.detach().clone()
    torch.testing.assert_close(average, start + (1 - 2 / 11) * (weights.detach() - start))


@pytest.mark.parametrize("order", ["proportional", "together", "shuffled"])
def test_all_rungs_are_reached(small_config: MakeConfig, resources: Resources, tmp_path: Path, order: str) -> None:
    """An update may step over a rung, and the last one over the budget; no rung is left out."""
    config = small_config(sampler={"order": order}, optim={"accumulate": 7}, eval={"rungs": 4})
    assert train(config, tmp_path, resources, NullRunObserver()) == RunOutcome.FINISHED
    evaluations = RunFolder(tmp_path).read_metrics()
    assert [e.rung for e in evaluations] == [150, 300, 450, 600]
    update = 7 * 20 * (3 if order == "together" else 1)
    assert [e.examples for e in evaluations] == [-(-rung // update) * update for rung in (150, 300, 450, 600)]
    assert evaluations[-1].step == -(-600 // update)


def test_turns_within_an_update_follow_the_order(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Catches an order that is asked for the same turn again, or that does not see the examples of earlier turns."""
    for order in ("shuffled", "sequence", "round-robin", "proportional"):
        seen = []
        for accumulate in (1, 4):
            config = small_config(
                sampler={"order": order},
                optim={"accumulate": accumulate},
                budget={"examples": 32, "batch_size": 2, "epochs": 2},
            )
            run, _ = spied(config, resources, tmp_path / order / str(accumulate))
            drawn: list[str] = []
            run.gradients = _Recorder(run.gradients, drawn)
            for _ in range(16 // accumulate):
                run.step()
            seen.append(drawn)
        assert seen[0] == seen[1]
        assert len(set(seen[0])) == 3


class _Recorder:
    """A gradient rule that notes the tasks."""

    def __init__(self, rule: Any, drawn: list[str]) -> None:
        self._rule, self._drawn = rule, drawn

    def add(self, task: str, loss: Tensor) -> None:
        self._drawn.append(task)
        self._rule.add(task, loss)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rule, name)


@pytest.mark.parametrize("order", ["round-robin-truncated", "sequence", "shuffled"])
def test_an_interrupted_run_equals_an_uninterrupted_one(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, order: str
) -> None:
    """With 12 examples and batches of 4 a truncated epoch is 3 rounds, 9 turns: it ends within an update of 2."""
    config = small_config(
        sampler={"order": order}, optim={"accumulate": 2, "ema": 0.9}, budget={"examples": 100, "batch_size": 4}
    )
    config = limited(config, sst=12, para=15, sts=30)
    whole, _ = spied(config, resources, tmp_path / "whole")
    for _ in range(8):
        whole.step()
    cut, _ = spied(config, resources, tmp_path / "cut")
    cut.folder.make()
    for _ in range(3):
        cut.step()
    cut.techniques.pop("spy")
    cut.save()
    resumed = TrainingRun(config, RunFolder(tmp_path / "cut"), resources)
    resumed.resume()
    for _ in range(5):
        resumed.step()
    assert resumed.progress == whole.progress
    assert {name: data.state_dict() for name, data in resumed.tasks.items()} == {
        name: data.state_dict() for name, data in whole.tasks.items()
    }
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


def test_a_truncated_epoch_starts_every_task_again(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """24, 40 and 60 examples in batches of 10 make epochs of 2 rounds; catches a trainer that never asks."""
    config = small_config(
        sampler={"order": "round-robin-truncated"}, budget={"batch_size": 10}, optim={"accumulate": 3}
    )
    run, _ = spied(limited(config, sst=24, para=40, sts=60), resources, tmp_path)
    for position in [(0, 10), (0, 20), (1, 10), (1, 20), (2, 10)]:
        run.step()
        for data in run.tasks.values():
            state = data.state_dict()
            assert (state["epoch"], state["position"]) == position
