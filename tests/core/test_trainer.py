"""A run: it learns, it repeats itself to the bit, and no interruption changes what it gives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.config import RunConfig
from core.gradients import SummedGradients
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert
from core.optim.optimiser import Optimiser
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.errors import DivergedError
from core.run.evaluation import Evaluation
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import score_dev
from core.techniques import Technique
from core.trainer import RunOutcome, TrainingRun, train

MakeConfig = Callable[..., RunConfig]


class KilledError(Exception):
    """Stands for the end of the process."""


@dataclass
class Watcher:
    """Stops, prunes or kills at a given point."""

    stop_after_steps: int | None = None
    prune_at: int | None = None
    kill_at: int | None = None
    seen: list[Evaluation] = field(default_factory=list)
    steps: int = 0

    def stepped(self, examples: int) -> bool:
        assert examples > 0
        self.steps += 1
        return self.steps != self.stop_after_steps

    def evaluated(self, evaluation: Evaluation) -> bool:
        self.seen.append(evaluation)
        if evaluation.rung == self.kill_at:
            raise KilledError
        return evaluation.rung != self.prune_at


def timeless(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Remove what differs between runs of the same configuration: times and memory."""
    costs = [e.cost and replace(e.cost, peak_memory_mib=0.0) for e in evaluations]
    pairs = zip(evaluations, costs, strict=True)
    return [replace(e, seconds=0.0, examples_per_second=0.0, cost=cost) for e, cost in pairs]


def curve(folder: Path) -> list[Evaluation]:
    return timeless(RunFolder(folder).read_metrics())


def same_files(a: Path, b: Path) -> bool:
    weights = [load_file(folder / "best" / "model.safetensors") for folder in (a, b)]
    predictions = [sorted((folder / "predictions").iterdir()) for folder in (a, b)]
    return (
        all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        and [p.name for p in predictions[0]] == [p.name for p in predictions[1]]
        and all(p.read_bytes() == q.read_bytes() for p, q in zip(*predictions, strict=True))
    )


VARIANTS = {
    "plain": {},
    "averaged": {"optim": {"learning_rate": 3e-3, "ema": 0.9}},
    "annealed": {"sampler": {"order": "annealed"}},
    "round-robin, cosine": {
        "sampler": {"order": "round-robin"},
        "optim": {"learning_rate": 3e-3, "schedule": "cosine"},
    },
}


@pytest.fixture(scope="module", params=list(VARIANTS))
def finished(
    request: pytest.FixtureRequest,
    small_config: MakeConfig,
    resources: Resources,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[RunConfig, Path]:
    """Return an undisturbed run of each variant."""
    torch.set_num_threads(1)
    config = small_config(**VARIANTS[request.param])
    folder = tmp_path_factory.mktemp("run")
    assert train(config, folder, resources, NullRunObserver()) == RunOutcome.FINISHED
    return config, folder


def test_a_run_repeats_itself_to_the_bit(
    finished: tuple[RunConfig, Path], resources: Resources, tmp_path: Path
) -> None:
    config, folder = finished
    torch.manual_seed(99)  # a run does not depend on what the process drew before
    train(config, tmp_path, resources, NullRunObserver())
    assert curve(tmp_path) == curve(folder)
    assert same_files(tmp_path, folder)


@pytest.mark.parametrize("steps", [1, 9, 10, 17])
def test_an_interrupted_run_equals_an_uninterrupted_one(
    finished: tuple[RunConfig, Path], resources: Resources, tmp_path: Path, steps: int
) -> None:
    config, folder = finished
    assert train(config, tmp_path, resources, Watcher(stop_after_steps=steps)) == RunOutcome.INTERRUPTED
    assert train(config, tmp_path, Resources(tmp_path / "other cache"), NullRunObserver()) == RunOutcome.FINISHED
    assert curve(tmp_path) == curve(folder)
    assert same_files(tmp_path, folder)


def test_a_pruned_run_that_continues_equals_one_that_was_not_pruned(
    finished: tuple[RunConfig, Path], resources: Resources, tmp_path: Path
) -> None:
    config, folder = finished
    for rung in (200, 400):
        assert train(config, tmp_path, resources, Watcher(prune_at=rung)) == RunOutcome.PRUNED
    assert train(config, tmp_path, Resources(tmp_path / "other cache"), NullRunObserver()) == RunOutcome.FINISHED
    assert curve(tmp_path) == curve(folder)
    assert same_files(tmp_path, folder)


def test_a_run_killed_at_a_rung_reports_the_rung_again(
    finished: tuple[RunConfig, Path], resources: Resources, tmp_path: Path
) -> None:
    config, folder = finished
    with pytest.raises(KilledError):
        train(config, tmp_path, resources, Watcher(kill_at=400))
    again = Watcher()
    assert train(config, tmp_path, resources, again) == RunOutcome.FINISHED
    assert [e.rung for e in again.seen] == [200, 400, 600]
    assert timeless(again.seen) == curve(folder)
    assert same_files(tmp_path, folder)


def test_a_damaged_checkpoint_costs_time_only(
    finished: tuple[RunConfig, Path], resources: Resources, tmp_path: Path
) -> None:
    config, folder = finished
    train(config, tmp_path, resources, Watcher(stop_after_steps=15))
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="the file is damaged: .*; the run starts over"):
        train(config, tmp_path, resources, NullRunObserver())
    assert curve(tmp_path) == curve(folder)


def test_a_checkpoint_of_another_config_is_not_taken(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    train(small_config(), tmp_path, resources, Watcher(stop_after_steps=12))
    with pytest.warns(UserWarning, match="belongs to another configuration; the run starts over"):
        train(small_config(seed=5), tmp_path, resources, NullRunObserver())
    assert len(curve(tmp_path)) == 3


def test_pruning_stops_at_the_rung(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    watcher = Watcher(prune_at=400)
    assert train(small_config(), tmp_path, resources, watcher) == RunOutcome.PRUNED
    assert [e.rung for e in curve(tmp_path)] == [200, 400]
    assert (tmp_path / "best" / "model.safetensors").exists()
    assert np.load(tmp_path / "predictions" / "sst-dev-400.npy").shape == (60, 5)
    # Resumed by mistake, it is pruned again without training a step.
    again = Watcher(prune_at=400)
    assert train(small_config(), tmp_path, resources, again) == RunOutcome.PRUNED
    assert again.steps == 0


@pytest.mark.parametrize("rows", [[{"last": 0, "decay": 1.0, "decayed": 1.0}], [None, None]])
def test_a_checkpoint_with_other_facts_about_rows_is_not_taken(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, rows: list[Any]
) -> None:
    config = small_config()
    assert train(config, tmp_path, resources, Watcher(stop_after_steps=9)) == RunOutcome.INTERRUPTED
    checkpoint = RunFolder(tmp_path).checkpoint
    state = load_checkpoint(checkpoint)
    state["parts"]["optimiser"]["rows"] = rows
    save_checkpoint(checkpoint, state)
    with pytest.warns(UserWarning, match="written by another version of this program; the run starts over"):
        assert train(config, tmp_path, resources, NullRunObserver()) == RunOutcome.FINISHED


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"lora": {"rank": 2}},
        {"smart": {"weight": {"sst": 1.0}}, "r_drop": {"alpha": {"sst": 1.0}}},
        {"model": {"own_layers": 1}},
        {"model": {"freeze_layers": 1, "frozen_dropout": False}},
        {"compute": {"device": "cpu", "precision": "bfloat16"}},
        {"gradients": {"rule": "pcgrad"}, "sampler": {"order": "together"}},
    ],
    ids=["plain", "LoRA", "regularisers", "own layers", "frozen layers", "bfloat16", "surgery"],
)
def test_gradient_checkpointing_changes_no_bit(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, sections: dict[str, Any]
) -> None:
    stored, kept = [], []
    for checkpointing in (False, True):
        compute = {"device": "cpu", **sections.get("compute", {}), "gradient_checkpointing": checkpointing}
        config = small_config(**{**sections, "compute": compute}, budget={"examples": 120}, eval={"rungs": 2})
        run = TrainingRun(config, RunFolder(tmp_path / f"step {checkpointing}"), resources)
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, s=sizes: (s.append(x.nbytes), x)[1], lambda x: x):
            run.step()
        stored.append(sum(sizes))
        train(config, tmp_path / str(checkpointing), resources, NullRunObserver())
        kept.append(curve(tmp_path / str(checkpointing)))
    assert kept[0] == kept[1]
    assert same_files(tmp_path / "False", tmp_path / "True")
    assert stored[1] < 0.6 * stored[0]


def test_scoring_more_often_does_not_change_training(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    ends = []
    for rungs in (1, 6):
        folder = tmp_path / str(rungs)
        train(small_config(eval={"rungs": rungs}), folder, resources, NullRunObserver())
        ends.append(curve(folder)[-1])
    assert ends[0].scores == ends[1].scores


def test_the_best_weights_are_those_of_the_best_rung(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    config = small_config(optim={"learning_rate": 5e-3, "ema": 0.5}, eval={"rungs": 6})
    train(config, tmp_path, resources, NullRunObserver())
    best = max(curve(tmp_path), key=lambda e: e.overall)
    assert timeless([Evaluation.from_json((tmp_path / "best" / "evaluation.json").read_text())]) == [best]
    run = TrainingRun(config, RunFolder(tmp_path / "other"), resources)
    run.model.load_state_dict(load_file(tmp_path / "best" / "model.safetensors"))
    scores = score_dev(run.model, config, run.tasks, torch.device("cpu"))
    assert scores.overall == best.overall
    for task, predictions in scores.predictions.items():
        assert np.array_equal(predictions, np.load(tmp_path / "predictions" / f"{task}-dev-{best.rung}.npy"))


@pytest.mark.parametrize("task", ["sst", "para", "sts"])
def test_every_task_is_learnt(small_config: MakeConfig, resources: Resources, tmp_path: Path, task: str) -> None:
    """The training loss falls well below that of the best constant prediction; one task alone is a run too."""
    config = small_config((task,), budget={"examples": 12_000, "batch_size": 20}, optim={"learning_rate": 5e-3})
    train(config, tmp_path, resources, NullRunObserver())
    run = TrainingRun(config, RunFolder(tmp_path / "other"), resources)
    gold = np.asarray(run.tasks[task].train.labels, dtype=np.float64)
    shares = np.bincount(gold.astype(int)) / len(gold)
    constant = gold.var() if task == "sts" else -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    assert curve(tmp_path)[-1].train_loss[task] < 0.5 * constant


def test_a_diverged_run_says_where(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    run = TrainingRun(small_config(), RunFolder(tmp_path), resources)
    for _ in range(3):
        run.step()
    with torch.no_grad():
        run.model.encoder("sst").embeddings.LayerNorm.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"the \w+ loss was nan at step 3; try a lower learning rate"):
        for _ in range(30):
            run.step()
    with pytest.raises(DivergedError):
        run.evaluate()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_loss_weights_scale_the_gradient(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """With plain sums a task of weight w gives w times the gradient; clipping is off to see it."""
    gradients = {}
    for weight in (1.0, 3.0):
        weights = {"sst": weight, "para": (3 - weight) / 2, "sts": (3 - weight) / 2}
        config = small_config(
            loss={"weights": weights},
            model={"dropout": 0.0, "attention_dropout": 0.0},
            heads={"sst": {"dropout": 0.0}},
            optim={"clip_norm": None},
        )
        run = TrainingRun(config, RunFolder(tmp_path / str(weight)), resources)
        batch = run.tasks["sst"].next_batch(8)
        assert batch.labels is not None
        run.gradients.add(
            "sst", config.loss_weight("sst") * run.model.losses["sst"].loss(run.model(batch), batch.labels)
        )
        gradient = run.model.encoder("sst").embeddings.word_embeddings.weight.grad
        assert gradient is not None
        gradients[weight] = gradient.to_dense()
    assert torch.allclose(gradients[3.0], 3 * gradients[1.0], rtol=1e-4, atol=1e-7)


class Recorder(SummedGradients):
    """Keeps the losses that it is given, as they enter the sum."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float]] = []

    def add(self, task: str, loss: torch.Tensor) -> None:
        self.seen.append((task, loss.item()))
        super().add(task, loss)


def test_a_step_weighs_its_loss(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    seen = {}
    for weight in (1.0, 2.0):
        weights = {"sst": weight, "para": (3 - weight) / 2, "sts": (3 - weight) / 2}
        config = small_config(loss={"weights": weights}, sampler={"order": "round-robin"})
        run = TrainingRun(config, RunFolder(tmp_path / str(weight)), resources)
        run.gradients = recorder = Recorder()
        run.step()
        seen[weight] = recorder.seen
    assert [task for task, _ in seen[1.0]] == ["sst"]
    assert seen[2.0][0][1] == pytest.approx(2 * seen[1.0][0][1])


@pytest.mark.parametrize("weighting", ["fixed", "uncertainty"])
def test_a_penalty_is_weighed_along_with_its_loss(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, weighting: str
) -> None:
    """By the task's loss weight, its batches' share and the turns of the update. Wrong: added after any of them."""

    class Constant(Technique):
        def penalty(self, forward: ForwardPass) -> torch.Tensor | None:
            return None if forward.batch.task == "para" else torch.tensor(100.0)

    tree = small_config(
        loss={"weights": {"sst": 2.0}, "weighting": weighting},
        sampler={"order": "together"},
        optim={"accumulate": 2},
    ).model_dump()
    tree["tasks"]["sts"]["batch_size"] = 5
    config = RunConfig.model_validate(tree)
    seen = []
    for techniques in ({}, {"constant": Constant()}):
        run = TrainingRun(config, RunFolder(tmp_path), resources)
        run.techniques = dict(techniques)
        run.gradients = recorder = Recorder()
        run.step()
        seen.append(recorder.seen)
    assert [task for task, _ in seen[0]] == ["sst", "para", "sts"] * 2
    changes = [(task, more - less) for (task, less), (_, more) in zip(*seen, strict=True)]
    # Weights 2, 1, 1 and batches of 20, 20, 5, each rescaled to mean 1; the mean of two turns; para has no penalty.
    expected = {"sst": 100 * 1.5 * 20 / 15 / 2, "para": 0.0, "sts": 100 * 0.75 * 5 / 15 / 2}
    assert changes == [(task, pytest.approx(expected[task], rel=1e-5)) for task, _ in changes]


def test_a_technique_is_called_at_every_hook_of_a_step(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    calls: list[str] = []

    class Spy(Technique):
        def penalty(self, forward: ForwardPass) -> torch.Tensor:
            assert forward.outputs.shape[0] == len(forward.batch)
            calls.append("penalty")
            return 0.0 * forward.outputs.sum() + 1e6 * forward.model.encoder("sst").embeddings.LayerNorm.bias.sum()

        def before_update(self, model: MultitaskBert) -> None:
            gradient = model.encoder("sst").embeddings.LayerNorm.bias.grad
            assert gradient is not None
            assert (gradient > 1e5).all()  # the penalty's, complete and not yet dropped
            calls.append("before")

        def after_update(self, model: MultitaskBert, progress: Progress) -> None:
            assert model.encoder("sst").embeddings.LayerNorm.bias.grad is None
            assert progress.step == 1
            calls.append("after")

        def evaluation_weights(self, model: MultitaskBert) -> AbstractContextManager[None]:
            calls.append(f"weights of {type(model).__name__}")
            return nullcontext()

    run = TrainingRun(small_config(optim={"clip_norm": None}), RunFolder(tmp_path), resources)
    run.folder.make()
    run.techniques = {"spy": Spy()}
    run.step()
    run.evaluate()
    assert calls == ["penalty", "before", "after", "weights of MultitaskBert"]


def test_a_batch_that_reaches_two_rungs_trains_no_more_for_it(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    config = small_config(budget={"examples": 100, "batch_size": 64}, eval={"rungs": 5})
    train(config, tmp_path / "a", resources, NullRunObserver())
    seen = curve(tmp_path / "a")
    assert [(e.rung, e.examples) for e in seen] == [(20, 64), (40, 64), (60, 64), (80, 128), (100, 128)]
    assert seen[0].scores == seen[2].scores
    with pytest.raises(KilledError):
        train(config, tmp_path / "b", resources, Watcher(kill_at=40))  # between two rungs of one step
    train(config, tmp_path / "b", resources, NullRunObserver())
    assert curve(tmp_path / "b") == seen


def test_a_kill_between_checkpoint_and_metrics_loses_no_line(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    train(small_config(), tmp_path, resources, NullRunObserver())
    metrics = tmp_path / "metrics.jsonl"
    whole = metrics.read_text()
    metrics.write_text("".join(whole.splitlines(keepends=True)[:2]))
    assert train(small_config(), tmp_path, resources, NullRunObserver()) == RunOutcome.FINISHED
    assert metrics.read_text() == whole


def test_weights_broken_by_the_last_update_are_not_scored(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    run = TrainingRun(small_config(("sst",)), RunFolder(tmp_path), resources)
    with torch.no_grad():
        run.model.encoder("sst").embeddings.LayerNorm.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="the sst predictions on dev are not finite"):
        run.evaluate()  # every training loss was finite; argmax of NaN would have passed for class 0
    assert not (tmp_path / "best").exists()


def test_limits_take_fixed_subsets(small_config: MakeConfig, resources: Resources) -> None:
    base = small_config().model_dump()
    base["tasks"]["para"] |= {"train_limit": 50, "dev_limit": 20}
    limited = RunConfig.model_validate(base)
    data = [resources.task_data(config)["para"] for config in (limited, limited.model_copy(update={"seed": 9}))]
    assert [len(d.train) for d in data] == [50, 50]
    assert data[0].train.ids == data[1].train.ids  # another seed, the same subset
    whole = resources.task_data(small_config())["para"]
    assert set(data[0].dev.ids) < set(whole.dev.ids)
    assert len(data[0].dev) == 20


def test_the_best_model_is_that_of_an_optimiser_that_updates_all_rows(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Rows of word embeddings that were never looked up have decayed in it, though not yet in the run."""
    optim = {"learning_rate": 1e-2, "weight_decay": 0.5, "schedule": "constant", "warmup": 0.0}
    best = []
    for by_row in (True, False):
        config, folder = small_config(optim=optim), RunFolder(tmp_path / str(by_row))
        run = TrainingRun(config, folder, resources)
        run.resume()
        table = run.model.encoder("sst").embeddings.word_embeddings
        if not by_row:
            run.optimiser, table.sparse = Optimiser(config, run.model, run.weighting.parameters), False
        initial = table.weight.detach().clone()
        for _ in range(10):
            run.step()
        assert (table.weight[1:] == initial[1:]).all(dim=1).any() == by_row  # without [PAD], which is zero
        run.evaluate()
        best.append(load_file(folder.best_model)["encoders.all-tasks.embeddings.word_embeddings.weight"])
    torch.testing.assert_close(best[0], best[1], rtol=1e-4, atol=1e-6)
