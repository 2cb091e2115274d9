"""Layers that each task has for itself: they start alike, and only the modules in common see all tasks."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.gradients import PCGrad, SummedGradients
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.model.freezing import parameter_counts
from core.model.lora import merged_state_dict
from core.model.multitask import SHARED_ENCODER, MultitaskBert, build_encoder, build_model, build_plain_model
from core.model_files.encoder_fit import check_fit
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.errors import UserError
from tests.core.config.interrupted_training import check

MakeConfig = Callable[..., RunConfig]
Sections = dict[str, Any]

TASKS = ("sst", "para", "sts")
SCRATCH = {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 32, "layers": 3}
POOLED = {"pooling": "pooler"}


def merged(one: Sections, other: Sections) -> Sections:
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in {**one, **other}}


@pytest.fixture
def make(small_config: MakeConfig) -> Callable[..., RunConfig]:
    """Make the config of a run with an encoder of three layers, in which clipping and weight decay matter."""

    def make(own: int, sections: Sections | None = None, encoders: str = "shared") -> RunConfig:
        plain: Sections = {
            "model": {"scratch": SCRATCH, "encoder": "scratch", "encoders": encoders, "own_layers": own},
            "optim": {"learning_rate": 3e-3, "weight_decay": 0.5, "clip_norm": 0.5},
            "heads": {"sst": POOLED, "para": {}, "sts": {"pair": "siamese", "pooling": "mean"}},
        }
        return small_config(**merged(plain, sections or {}))

    return make


def built(config: RunConfig, resources: Resources) -> MultitaskBert:
    return build_model(config, resources.encoder(config).config, None)


FROZEN_BELOW: dict[str, tuple[int, Sections]] = {
    "two layers": (2, {"model": {"freeze_layers": 1}}),
    "all layers": (3, {"model": {"freeze": "embeddings"}}),
    "in one update": (2, {"model": {"freeze_layers": 1}, "sampler": {"order": "together"}}),
    "LoRA": (3, {"lora": {"rank": 2, "targets": "all-linear", "dropout": 0.1}, "sampler": {"order": "together"}}),
    "rates": (2, {"model": {"freeze_layers": 1}, "optim": {"layer_decay": 0.5, "head_learning_rate": 1e-2}}),
    "a new layer": (2, {"model": {"freeze_layers": 1, "reinit_layers": 1}}),
    "averages": (
        2,
        {"model": {"freeze_layers": 1}, "optim": {"ema": 0.9}, "proximal": {"weight": dict.fromkeys(TASKS, 1.0)}},
    ),
    "SMART and R-Drop": (
        3,
        {
            "model": {"freeze": "embeddings"},
            "smart": {"weight": dict.fromkeys(TASKS, 1.0), "epsilon": 1e-2},
            "r_drop": {"alpha": {"sst": 1.0}},
        },
    ),
}


@pytest.mark.parametrize("name", FROZEN_BELOW)
def test_with_frozen_shared_layers_it_equals_an_encoder_for_each_task(
    make: Callable[..., RunConfig], resources: Resources, tmp_path: Path, name: str
) -> None:
    """To the bit, also scores on dev. Wrong: clipping over all tasks, other random numbers, poolers in common."""
    number, sections = FROZEN_BELOW[name]
    runs, start = [], None
    for config in (make(number, sections), make(0, sections, "per-task")):
        run = TrainingRun(config, RunFolder(tmp_path / config.model.encoders), resources)
        start = run.model.encoder("sst").layers[2].output.dense.weight.clone()
        for _ in range(6):
            run.step()
        runs.append(run)
    for task in TASKS:
        ours, theirs = ({**r.model.encoder(task).state_dict(), **r.model.heads[task].state_dict()} for r in runs)
        assert ours.keys() == theirs.keys()
        assert not [key for key in ours if not torch.equal(ours[key], theirs[key])]
    assert runs[0].evaluate().scores == runs[1].evaluate().scores
    if not sections.get("lora"):
        moved = [runs[0].model.encoder(task).layers[2].output.dense.weight - start for task in TASKS]
        assert min(change.norm() for change in moved) > 1e-3
    trainable = [parameter_counts(run.model)[0] for run in runs]
    assert trainable[0] == trainable[1]


def losses(model: MultitaskBert, batches: dict[str, Any]) -> dict[str, Tensor]:
    return {task: model.losses[task].loss(model(batch), batch.labels) for task, batch in batches.items()}


def flat(tensors: list[Tensor | None]) -> Tensor:
    return torch.cat([(t.to_dense() if t.is_sparse else t).flatten() for t in tensors if t is not None])


@pytest.mark.parametrize("rule", ["sum", "pcgrad"])
def test_shared_layers_get_the_gradients_of_all_tasks_and_own_ones_that_of_theirs(
    make: Callable[..., RunConfig], resources: Resources, tmp_path: Path, rule: str
) -> None:
    """In float64, against separate encoders with the same weights, each differentiated alone.

    PCGrad projects within the shared layers only: wrong are dot products that include a task's own layers.
    """
    together = {"sampler": {"order": "together"}}
    run = TrainingRun(make(2, {**together, "gradients": {"rule": rule}}), RunFolder(tmp_path), resources)
    model, apart = run.model.double().eval(), built(make(0, together, "per-task"), resources).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    for task in TASKS:
        apart.encoder(task).load_state_dict(model.encoder(task).state_dict())
        apart.heads[task].load_state_dict(model.heads[task].state_dict())
    batches = {task: data.next_batch(12) for task, data in run.tasks.items()}
    chosen = PCGrad(model, 0) if rule == "pcgrad" else SummedGradients()
    for task, loss in losses(model, batches).items():
        chosen.add(task, loss)
    chosen.combine(0)
    for loss in losses(apart, batches).values():
        loss.backward()

    lower = [name for name in apart.encoder("sst").state_dict() if name.startswith(("embeddings.", "encoder.layer.0."))]

    def of(model: MultitaskBert, task: str) -> dict[str, Tensor | None]:
        return {name: parameter.grad for name, parameter in model.encoder(task).named_parameters()}

    for task in TASKS:
        ours, theirs = of(model, task), of(apart, task)
        for name in ours.keys() - set(lower):
            assert (ours[name] is None) == (theirs[name] is None)
            if ours[name] is not None:
                torch.testing.assert_close(ours[name], theirs[name], rtol=1e-10, atol=1e-13)
        for mine, alone in zip(model.heads[task].parameters(), apart.heads[task].parameters(), strict=True):
            torch.testing.assert_close(mine.grad, alone.grad, rtol=1e-10, atol=1e-13)
    vectors = [flat([of(apart, task)[name] for name in lower]) for task in TASKS]
    found = flat([of(model, "sst")[name] for name in lower])
    if rule == "sum":
        torch.testing.assert_close(found, sum(vectors), rtol=1e-10, atol=1e-13)
        return
    assert min(a @ b for a, b in combinations(vectors, 2)) < 0
    outcomes = []
    for orders in all_visits(len(vectors)):
        result = torch.zeros_like(found)
        for i, order in enumerate(orders):
            running = vectors[i].clone()
            for j in order:
                if (product := running @ vectors[j]) < 0:
                    running -= product / (vectors[j] @ vectors[j]) * vectors[j]
            result += running
        outcomes.append(result)
    assert min((outcome - found).abs().max() for outcome in outcomes) < 1e-12 * found.abs().max() * 1e2
    assert (sum(vectors) - found).abs().max() > 1e-3 * found.abs().max()


def all_visits(count: int) -> list[list[list[int]]]:
    """Return every combination of the orders in which three tasks may visit the two others."""
    assert count == 3
    pairs = [[(1, 2), (2, 1)], [(0, 2), (2, 0)], [(0, 1), (1, 0)]]
    return [[list(a), list(b), list(c)] for a in pairs[0] for b in pairs[1] for c in pairs[2]]


def test_what_is_shared_and_what_is_not(make: Callable[..., RunConfig], resources: Resources) -> None:
    """By name: every weight once, in memory and in the model's state; the same weights everywhere at first."""
    model = built(make(2), resources)
    names = set(model.state_dict())
    whole = set(model.encoder("sst").state_dict())
    upper = {name for name in whole if name.startswith(("encoder.layer.1.", "encoder.layer.2.", "pooler."))}
    assert {name for name in names if not name.startswith("heads.")} == {
        *(f"encoders.all-tasks.{name}" for name in whole - upper),
        *(f"own.{task}.{name}" for task in TASKS for name in upper),
    }
    assert names == {name for name, _ in model.named_parameters()}
    plain = built(make(0), resources)
    for task in TASKS:
        start = plain.encoder(task).state_dict()
        assert all(torch.equal(weight, start[name]) for name, weight in model.encoder(task).state_dict().items())
    shared, heads = parameter_counts(plain.encoder("sst"))[1], parameter_counts(plain.heads)[1]
    own = sum(weight.numel() for name, weight in plain.encoder("sst").state_dict().items() if name in upper)
    assert parameter_counts(model) == (shared + 2 * own + heads,) * 2
    with torch.no_grad():
        for parameter in model.own["sst"].parameters():
            parameter += 1.0
        model.encoders["all-tasks"].embeddings.LayerNorm.bias += 1.0
    for task in TASKS:
        state = model.encoder(task).state_dict()
        changed = {name for name, weight in state.items() if not torch.equal(weight, start[name])}
        assert changed == {"embeddings.LayerNorm.bias"} | (upper if task == "sst" else set())


def test_every_trained_weight_is_in_one_group_at_its_layers_rate(
    make: Callable[..., RunConfig], resources: Resources, tmp_path: Path
) -> None:
    config = make(2, {"optim": {"layer_decay": 0.5, "learning_rate": 1e-3, "weight_decay": 0.0, "warmup": 0.0}})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    groups = run.optimiser.adamw.groups
    rates = {id(parameter): group.learning_rate for group in groups for parameter in group.parameters}
    every = [id(parameter) for group in groups for parameter in group.parameters]
    assert len(every) == len(set(every)) == len(list(run.model.parameters()))
    by_part = {"embeddings": 0.125e-3, "layer.0": 0.25e-3, "layer.1": 0.5e-3, "layer.2": 1e-3, "pooler": 1e-3}
    for task in TASKS:
        for name, parameter in run.model.encoder(task).named_parameters():
            (expected,) = (rate for part, rate in by_part.items() if part in name)
            assert rates[id(parameter)] == pytest.approx(expected), name


def test_under_lora_each_task_has_updates_of_its_own(make: Callable[..., RunConfig], resources: Resources) -> None:
    """And its own pooler is trained only if its head uses it."""
    model = built(make(1, {"lora": {"rank": 2}}), resources)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    updates = [f"layer.{{}}.attention.self.{target}.lora_{matrix}" for target in ("query", "value") for matrix in "ab"]
    assert {name for name in trained if not name.startswith("heads.")} == {
        *(f"encoders.all-tasks.encoder.{name.format(n)}" for name in updates for n in (0, 1)),
        *(f"own.{task}.encoder.{name.format(2)}" for name in updates for task in TASKS),
        *(f"own.sst.pooler.dense.{name}" for name in ("weight", "bias")),
    }


@pytest.mark.parametrize("sections", [{"model": {"own_layers": 1}}, {"task_layers": {"kind": "adapter", "size": 4}}])
def test_a_pass_can_use_other_parameters(
    make: Callable[..., RunConfig], resources: Resources, tmp_path: Path, sections: Sections
) -> None:
    """Shared and own ones, by the names that the model has for them; a copy of the model is complete, and apart."""
    run = TrainingRun(make(0, sections), RunFolder(tmp_path), resources)
    model, other = run.model.eval(), deepcopy(run.model).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    for data in run.tasks.values():
        batch = data.next_batch(6)
        forward = ForwardPass(model, batch)
        expected = other(batch)
        assert torch.equal(forward.repeat(parameters=dict(other.named_parameters())), expected)
        assert not torch.isclose(forward.outputs, expected).all()
        assert torch.equal(forward.repeat(), forward.outputs)
        for part in ("encoders.", "own.", "heads."):
            some = {name: weight for name, weight in other.named_parameters() if name.startswith(part)}
            assert not torch.equal(forward.repeat(parameters=some), forward.outputs), part


def test_merged_weights_are_those_of_a_plain_model(
    make: Callable[..., RunConfig], resources: Resources, tmp_path: Path
) -> None:
    """As for the mean of several models. Wrong: updates merged in the shared layers alone."""
    config = make(2, {"lora": {"rank": 2}, "optim": {"learning_rate": 3e-2}})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    for _ in range(4):
        run.step()
    plain = build_plain_model(config, {SHARED_ENCODER: build_encoder(config, resources.encoder(config).config, None)})
    plain.load_state_dict(merged_state_dict(run.model))
    for task, data in run.tasks.items():
        batch = data.next_batch(8)
        torch.testing.assert_close(plain.eval()(batch), run.model.eval()(batch), rtol=1e-4, atol=1e-5)
        before, after = (one.encoder(task).layers[2].attention.self.query.weight for one in (run.model, plain))
        assert not torch.equal(before, after)


def test_an_interrupted_run_continues_bit_for_bit(make: Callable[..., RunConfig], resources: Resources) -> None:
    sections = {
        "gradients": {"rule": "anchored", "anchor": "sst"},
        "sampler": {"order": "together"},
        "optim": {"ema": 0.9},
        "smart": {"weight": {"sst": 1.0}},
        "pretraining": {"mlm": {"examples": 32}},
    }
    assert check(make(1, sections), resources) == set(TASKS)


def test_without_own_layers_nothing_is_recorded(small_config: MakeConfig) -> None:
    assert "own_layers" not in small_config().canonical_json()
    assert '"own_layers":1' in small_config(model={"own_layers": 1}).canonical_json()


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        ({"model": {"own_layers": 4}}, r"model.own_layers = 4, but {}"),
        (
            {"model": {"own_layers": 2, "freeze_layers": 2}},
            r"model.freeze_layers = 2 and model.own_layers = 2 overlap, because {}: the tasks' copies of frozen",
        ),
        (
            {"model": {"own_layers": 2, "freeze_layers": 1}, "gradients": {"rule": "pcgrad"}},
            r"gradients.rule = 'pcgrad' needs shared layers that are trained, but with model.own_layers = 2 all shared",
        ),
        (
            {"model": {"own_layers": 3}, "lora": {"rank": 1}, "gradients": {"rule": "pcgrad"}},
            r"gradients.rule = 'pcgrad' needs shared layers that are trained",
        ),
        ({"model": {"own_layers": 3}, "gradients": {"rule": "pcgrad"}}, None),
        (
            {"model": {"own_layers": 3}, "lora": {"rank": 1, "embeddings": True}, "gradients": {"rule": "pcgrad"}},
            None,
        ),
        ({"model": {"own_layers": 2, "freeze_layers": 1}}, None),
    ],
)
def test_layers_that_do_not_suit_the_encoder(
    make: Callable[..., RunConfig], resources: Resources, sections: Sections, fault: str | None
) -> None:
    """Those of an encoder from scratch are refused with the config, others where they are loaded."""
    sections = merged({"sampler": {"order": "together"}}, sections)
    loaded = merged(sections, {"model": {"encoder": "there", "scratch": None}})
    shape = resources.encoder(make(0)).config
    if fault is None:
        make(0, sections)
        check_fit(make(0, loaded), shape)
        return
    with pytest.raises(ValueError, match=fault.format("model.scratch.layers = 3")):
        make(0, sections)
    with pytest.raises(UserError, match=fault.format("encoder 'there' has 3 layers")):
        check_fit(make(0, loaded), shape)
