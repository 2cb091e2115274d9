"""An encoder for each task: every task is trained to the bit as if it were alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.bert import Bert
from core.model.freezing import parameter_counts
from core.model.multitask import SHARED_ENCODER, MultitaskBert, build_model
from core.model_files.bert_checkpoint import save_bert
from core.run.run_folder import RunFolder
from core.techniques.gradient_clipping import GradientClipping
from core.trainer import TrainingRun
from data.task_files import builtin_tasks
from data.tasks import TaskName
from data.tokenizer import save_tokenizer

MakeConfig = Callable[..., RunConfig]
Sections = dict[str, Any]

PAIR = ("sts", "sst")  # sst pools through its encoder: not the first, which would do for all
SIAMESE = {"pair": "siamese", "pooling": "mean", "dropout": 0.0}


@pytest.fixture(scope="module")
def checkpoint(small_config: MakeConfig, resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small encoder in a folder: from scratch, the vocabulary would depend on which tasks there are."""
    encoder, folder = resources.encoder(small_config()), tmp_path_factory.mktemp("encoder")
    bert = Bert(encoder.config, generator=torch.Generator().manual_seed(3))
    save_bert(folder, encoder.config, bert.state_dict())
    save_tokenizer(encoder.tokenizer, folder)
    return folder


@pytest.fixture
def make_run(
    small_config: MakeConfig, resources: Resources, checkpoint: Path, tmp_path: Path
) -> Callable[..., TrainingRun]:
    """Return a run of 200 examples a task, without dropout, in which clipping and weight decay matter."""

    def make(tasks: tuple[str, ...], encoders: str, sections: Sections) -> TrainingRun:
        plain: Sections = {
            "model": {"encoder": str(checkpoint), "scratch": None, "dropout": 0.0, "attention_dropout": 0.0},
            "heads": {"sst": {"dropout": 0.0, "pooling": "pooler"}, "para": SIAMESE, "sts": SIAMESE},
            "optim": {"learning_rate": 3e-3, "weight_decay": 0.5, "clip_norm": 0.5},
            "budget": {"examples": 200 * len(tasks), "batch_size": 20},
        }
        merged = {name: {**plain.get(name, {}), **sections.get(name, {})} for name in {**plain, **sections}}
        merged["model"]["encoders"] = encoders
        for section, key in (("heads", None), ("proximal", "weight")):
            if section in merged:
                by_task = merged[section] if key is None else merged[section][key]
                kept = {task: value for task, value in by_task.items() if task in tasks}
                merged[section] = kept if key is None else {**merged[section], key: kept}
        return TrainingRun(small_config(tasks, **merged), RunFolder(tmp_path / "-".join(tasks)), resources)

    return make


def weights(model: MultitaskBert, task: str) -> dict[str, Tensor]:
    """Return the weights of the task's encoder and head."""
    parts = {"encoder": model.encoder(task), "head": model.heads[task]}
    return {f"{name} {key}": w.clone() for name, part in parts.items() for key, w in part.state_dict().items()}


def averages(run: TrainingRun, task: str) -> dict[str, Tensor]:
    """Return each technique's averages of the task's encoder and head, named as if the task were alone."""
    state = {
        f"{technique} {name}": average
        for technique, one in run.techniques.items()
        for name, average in one.state_dict().items()
    }
    return {
        name.replace(f"encoders.{task}.", f"encoders.{SHARED_ENCODER}."): average
        for name, average in state.items()
        if any(f" {part}." in name for part in (f"encoders.{task}", f"encoders.{SHARED_ENCODER}", f"heads.{task}"))
    }


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    different = [name for name, weight in expected.items() if not torch.equal(found[name], weight)]
    assert not different


def assert_trained_alone(
    run: TrainingRun, make_run: Callable[..., TrainingRun], sections: Sections, steps: Counter[str]
) -> None:
    """Check that each task's encoder and head equal those of a run over it alone with a shared encoder."""
    for task in run.tasks:
        alone = make_run((task,), "shared", sections)
        before = weights(alone.model, task)
        for _ in range(steps[task]):
            alone.step()
        assert_same(weights(run.model, task), weights(alone.model, task))
        assert_same(averages(run, task), averages(alone, task))
        moved = {name for name, weight in weights(alone.model, task).items() if not torch.equal(weight, before[name])}
        assert len(moved) > 5


TOGETHER: dict[str, Sections] = {
    "plain": {},
    "two turns an update": {"optim": {"accumulate": 2}},
    "layers apart": {"optim": {"layer_decay": 0.5, "head_learning_rate": 1e-2}},
    "a frozen layer and a new one": {"model": {"freeze_layers": 1, "reinit_layers": 1}},
    "LoRA": {"lora": {"rank": 2, "targets": "all-linear"}},
    "averages": {"optim": {"ema": 0.9}, "proximal": {"weight": {"sst": 1.0, "sts": 1.0}}},
}


@pytest.mark.parametrize("name", TOGETHER)
def test_tasks_in_one_update_are_trained_as_if_each_were_alone(make_run: Callable[..., TrainingRun], name: str) -> None:
    """Wrong: a norm over all gradients, a layer's rate by another's depth, weights that start by the task's name."""
    sections = {**TOGETHER[name], "sampler": {"order": "together"}}
    run = make_run(PAIR, "per-task", sections)
    for _ in range(4):
        run.step()
    assert_trained_alone(run, make_run, sections, Counter(dict.fromkeys(PAIR, 4)))
    assert {len(averages(run, task)) > 0 for task in PAIR} == {name == "averages"}


@pytest.mark.parametrize("order", ["sequence", "proportional", "round-robin"])
def test_an_update_of_another_task_leaves_encoder_head_and_moments_alone(
    make_run: Callable[..., TrainingRun], order: str
) -> None:
    """Wrong: gradients of zero instead of none, by which AdamW would decay weights, and move them by old moments."""
    sections = {"sampler": {"order": order}, "optim": {"schedule": "constant", "warmup": 0.0}}
    run, turns = make_run(PAIR, "per-task", sections), Counter[str]()
    for _ in range(10):
        turns.update(run.order.next(run.progress))
        run.step()
    assert min(turns[task] for task in PAIR) > 1
    assert_trained_alone(run, make_run, sections, turns)


def perturb(encoder: Bert) -> None:
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter += 0.1


def test_a_batch_goes_through_its_own_tasks_encoder_alone(make_run: Callable[..., TrainingRun]) -> None:
    run = make_run(("para", "sst"), "per-task", {})
    model = run.model.eval()
    batches = {task: data.next_batch(4) for task, data in run.tasks.items()}

    def seen(task: str) -> list[Tensor]:
        batch = batches[task]
        return [model(batch), model.encode(batch).hidden, model.embed_words(batch)]

    before = {task: seen(task) for task in batches}
    perturb(model.encoder("para"))
    assert all(torch.equal(new, old) for new, old in zip(seen("sst"), before["sst"], strict=True))
    assert not any(torch.equal(new, old) for new, old in zip(seen("para"), before["para"], strict=True))
    pooled = model(batches["sst"])
    with torch.no_grad():
        model.encoder("sst").pooler.dense.weight.neg_()
    assert not torch.equal(model(batches["sst"]), pooled)


def test_each_tasks_gradient_is_clipped_by_itself(make_run: Callable[..., TrainingRun]) -> None:
    """g_i <- g_i min(1, c / |g_i|) over an encoder with its head; over everything where the encoder is shared."""
    for encoders, scales in (("per-task", {"sst": 0.5 / 30, "sts": 1.0}), ("shared", None)):
        model = make_run(PAIR, encoders, {}).model
        generator = torch.Generator().manual_seed(0)
        for name, parameter in model.named_parameters():
            size = 1.0 if "sst" in name else 0.001
            parameter.grad = size * torch.randn(parameter.shape, generator=generator)
        parts = model.parts()
        for part, norm in zip(parts, (0.4, 30.0) if scales else (7.0,), strict=True):
            length = torch.cat([p.grad.flatten() for p in part.parameters() if p.grad is not None]).norm()
            for parameter in part.parameters():
                assert parameter.grad is not None
                parameter.grad *= norm / length
        before = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        GradientClipping(0.5).before_update(model)
        assert len(before) == len(list(model.parameters()))
        for name, parameter in model.named_parameters():
            scale = 0.5 / 7 if scales is None else scales["sst" if "sst" in name else "sts"]
            assert parameter.grad is not None
            torch.testing.assert_close(parameter.grad, scale * before[name], rtol=1e-4, atol=0.0)


def test_all_encoders_start_from_the_same_weights(small_config: MakeConfig, resources: Resources) -> None:
    """Also LoRA's A and reinitialised layers. There is a set of numbers for each encoder, and one for the heads."""
    for sections in ({}, {"lora": {"rank": 2}}, {"model": {"reinit_layers": 1}}):
        counts = {}
        for encoders in ("shared", "per-task"):
            config = small_config(**{**sections, "model": {**sections.get("model", {}), "encoders": encoders}})
            model = build_model(config, resources.encoder(config).config, None)
            states = [part.encoder.state_dict() for part in model.parts()]
            assert [part.name for part in model.parts()] == (
                ["sst", "para", "sts"] if encoders == "per-task" else [SHARED_ENCODER]
            )
            counts[encoders] = parameter_counts(model)
            if encoders == "shared":
                start = states[0]
                one, heads = parameter_counts(model.encoder("sst")), parameter_counts(model.heads)
            for state in states:
                assert_same(state, start)
        assert [counts["shared"], counts["per-task"]] == [
            tuple(times * size + head for size, head in zip(one, heads, strict=True)) for times in (1, 3)
        ]


def test_under_lora_the_pooler_is_trained_where_the_tasks_own_head_pools(
    small_config: MakeConfig, resources: Resources
) -> None:
    config = small_config(model={"encoders": "per-task"}, lora={"rank": 2}, heads={"sst": {"pooling": "pooler"}})
    model = build_model(config, resources.encoder(config).config, None)
    assert {task: model.encoder(task).pooler.dense.weight.requires_grad for task in config.tasks} == {
        "sst": True,
        "para": False,
        "sts": False,
    }


def test_no_task_can_have_the_shared_encoders_name() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TaskName).validate_python(SHARED_ENCODER)


@pytest.mark.parametrize("encoders", ["shared", "per-task"])
def test_a_task_may_be_named_shared(small_config: MakeConfig, resources: Resources, encoders: str) -> None:
    spec = builtin_tasks()["sst"].model_copy(update={"name": "shared"})
    tree = small_config(("sst", "sts"), model={"encoders": encoders}).model_dump()
    tree["tasks"]["shared"] = {"spec": spec}
    config = RunConfig.model_validate(tree)
    model = build_model(config, resources.encoder(config).config, None)
    assert (model.encoder("shared") is model.encoder("sst")) == (encoders == "shared")
    assert sum(len(part.heads) for part in model.parts()) == 3
