"""Settings that do not go together are refused with a reason; their neighbours that do pass."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from core.config import RunConfig
from data.task_files import builtin_tasks


class Case(NamedTuple):
    refused: dict[str, Any]
    reason: str
    neighbour: dict[str, Any]
    tasks: tuple[str, ...] = ("sst", "para", "sts")


def loss(**fields: Any) -> dict[str, Any]:
    return {"loss": fields}


def learned(**fields: Any) -> dict[str, Any]:
    return {"loss": {"weighting": "uncertainty", **fields}}


def pcgrad(order: str = "together", **sections: Any) -> dict[str, Any]:
    return {"gradients": {"rule": "pcgrad"}, "sampler": {"order": order}, **sections}


def anchored(anchor: str | None = "sst", **sections: Any) -> dict[str, Any]:
    return {"gradients": {"rule": "anchored", "anchor": anchor}, **sections}


def sts(**head: Any) -> dict[str, Any]:
    return {"heads": {"sts": head}}


def r_drop(*, encoder: float = 0.0, lora: dict[str, Any] | None = None, **head: Any) -> dict[str, Any]:
    """Return R-Drop on para, with dropout only where it is given."""
    none = {"dropout": 0.0, "dropout_hidden": 0.0, "pair": "siamese"}
    return {
        "model": {"dropout": encoder, "attention_dropout": 0.0},
        "heads": {"para": {**none, **head}},
        "r_drop": {"alpha": {"para": 1.0}},
        "lora": lora or {},
    }


R_DROP: dict[str, Any] = {"r_drop": {"alpha": {"para": 1.0}}}
NO_DROPOUT = "r_drop.alpha.para = 1 needs dropout, but all dropout rates of the task are 0"
TWO_TASKS = "compares the tasks of one update, but sampler.order ="

COSINE = {"pair": "siamese", "combine": "cos"}

SCRATCH = {"encoder": "scratch", "scratch": {"layers": 2}}

CASES = {
    "more layers than there are": Case(
        {"model": {**SCRATCH, "freeze_layers": 3}},
        "model.freeze_layers = 3, but model.scratch.layers = 2",
        {"model": {**SCRATCH, "freeze_layers": 2}},
    ),
    "more new layers than there are": Case(
        {"model": {**SCRATCH, "reinit_layers": 3}},
        "model.reinit_layers = 3, but model.scratch.layers = 2",
        {"model": {**SCRATCH, "reinit_layers": 2}},
    ),
    "frozen layers that are reinitialised": Case(
        {"model": {**SCRATCH, "freeze_layers": 1, "reinit_layers": 2}},
        "model.freeze_layers = 1 and model.reinit_layers = 2 overlap, because model.scratch.layers = 2",
        {"model": {**SCRATCH, "freeze_layers": 1, "reinit_layers": 1}},
    ),
    "two averages": Case(
        {"swa": {"start": 0.5}, "optim": {"ema": 0.9}},
        "swa.start and optim.ema both select the weights to score; remove one of them",
        {"swa": {"start": 0.5}},
    ),
    "nothing to train": Case(
        {"model": {"freeze": "encoder"}, **sts(**COSINE)},
        "model.freeze = 'encoder' leaves task 'sts' nothing to train, because a cosine has no weights; "
        "set heads.sts.side_layers",
        {"model": {"freeze": "encoder"}, **sts(**COSINE, side_layers=1)},
    ),
    "no weight at all": Case(
        loss(weights={"sst": 0, "para": 0, "sts": 0}),
        "loss.weights: at least one task needs a weight above 0",
        loss(weights={"sst": 0, "para": 0}),
    ),
    "learned from 0": Case(
        learned(weights={"para": 0}),
        "loss.weights.para = 0: loss.weighting = 'uncertainty' needs initial weights above 0",
        learned(weights={"para": 0.01}),
    ),
    "learned and tapered": Case(
        learned(taper={"sst": "log"}),
        "loss.taper.sst = 'log' needs loss.weighting = 'fixed'",
        loss(taper={"sst": "log"}),
    ),
    "learned over Pearson": Case(
        {**learned(), **sts(loss="pearson")},
        "loss.weighting = 'uncertainty' needs losses of at least 0, and the Pearson loss of task 'sts' can be negative",
        sts(loss="pearson"),
    ),
    "learned over Pearson as a second loss": Case(
        {**learned(), **sts(auxiliary_loss="pearson")},
        "the Pearson loss of task 'sts' can be negative",
        {**learned(), **sts(auxiliary_loss="cosent")},
    ),
    "Pearson of two": Case(
        {**sts(loss="pearson"), "budget": {"batch_size": 2}},
        "heads.sts.loss = 'pearson' needs batches of at least 3 examples (8 or more work well), because "
        "two points always correlate; got 2",
        {**sts(loss="pearson"), "budget": {"batch_size": 3}},
    ),
    "Pearson of two as a second loss": Case(
        {**sts(auxiliary_loss="pearson"), "budget": {"batch_size": 2}},
        "heads.sts.auxiliary_loss = 'pearson' needs batches of at least 3 examples",
        {"heads": {"para": {}}, "budget": {"batch_size": 2}},
    ),
    "CoSENT of one": Case(
        {**sts(loss="cosent"), "budget": {"batch_size": 1}},
        "heads.sts.loss = 'cosent' compares the examples of a batch and needs at least 2, got 1",
        {**sts(loss="cosent"), "budget": {"batch_size": 2}},
    ),
    "the rule without its anchor": Case(
        anchored(None),
        "gradients.anchor must be one of sst, para, sts with gradients.rule = 'anchored', got none",
        {"gradients": {"rule": "sum"}},
    ),
    "an anchor that is not a task, with any rule": Case(
        {"gradients": {"anchor": "cfimdb"}},
        "gradients.anchor must be one of sst, para, sts, got 'cfimdb'",
        {"gradients": {"anchor": "sst"}},  # so that a search over the rules can leave it in place
    ),
    "an anchor that is not a task": Case(
        anchored("cfimdb"),
        "gradients.anchor must be one of sst, para, sts, got 'cfimdb'",
        anchored("sts"),
    ),
    "an anchor of no weight": Case(
        anchored(("para"), **loss(weights={"para": 0})),
        "loss.weights.para = 0, but task 'para' is gradients.anchor: nothing conflicts with a gradient "
        "that is always 0",
        anchored("para", **loss(weights={"sts": 0})),
    ),
    "PCGrad on one task": Case(
        pcgrad(), "gradients.rule = 'pcgrad' needs several tasks, but the run has one", {}, ("sst",)
    ),
    "an anchor alone": Case(
        anchored(), "gradients.rule = 'anchored' needs several tasks, but the run has one", {}, ("sst",)
    ),
    "PCGrad in a frozen encoder": Case(
        pcgrad(model={"freeze": "encoder"}),
        "gradients.rule = 'pcgrad' needs gradients of the encoder, which model.freeze = 'encoder' removes",
        pcgrad(model={"freeze": "embeddings"}),
    ),
    "an anchor in a frozen encoder": Case(
        anchored(model={"freeze": "encoder"}),
        "gradients.rule = 'anchored' needs gradients of the encoder",
        anchored(lora={"rank": 4}),
    ),
    "PCGrad one task at a time": Case(
        pcgrad("proportional"),
        f"{TWO_TASKS} 'proportional' gives one task at a time; use sampler.order = 'together', or optim.accumulate",
        pcgrad("proportional", optim={"accumulate": 3}),
    ),
    "PCGrad over shuffled batches": Case(
        pcgrad("shuffled"),
        f"{TWO_TASKS} 'shuffled' gives one task at a time",
        pcgrad("shuffled", optim={"accumulate": 2}),
    ),
    "PCGrad task after task": Case(
        pcgrad("sequence", optim={"accumulate": 4}),
        f"{TWO_TASKS} 'sequence' trains one task for a whole virtual epoch; use sampler.order = 'together'",
        anchored(sampler={"order": "sequence"}),
    ),
    "PCGrad where nothing is shared": Case(
        pcgrad(model={"encoders": "per-task"}),
        "gradients.rule = 'pcgrad' needs a shared encoder; with model.encoders = 'per-task' the tasks share no "
        "parameters in which their gradients could conflict",
        pcgrad(model={"encoders": "shared"}),
    ),
    "an anchor where nothing is shared": Case(
        anchored(model={"encoders": "per-task"}),
        "gradients.rule = 'anchored' needs a shared encoder",
        {"gradients": {"rule": "sum", "anchor": "sst"}, "model": {"encoders": "per-task"}},
    ),
    "LoRA and freezing": Case(
        {"lora": {"rank": 4}, "model": {"freeze": "encoder"}},
        "lora.rank above 0 already freezes the encoder; remove model.freeze and model.freeze_layers",
        {"lora": {"rank": 0}, "model": {"freeze": "encoder"}},
    ),
    "LoRA and frozen layers": Case(
        {"lora": {"rank": 4}, "model": {"freeze_layers": 2}},
        "remove model.freeze and model.freeze_layers",
        {"model": {"freeze_layers": 2}},
    ),
    "LoRA over reinitialised layers": Case(
        {"lora": {"rank": 4}, "model": {"reinit_layers": 1}},
        "model.reinit_layers needs lora.rank = 0: LoRA would freeze the random layers",
        {"model": {"reinit_layers": 1}},
    ),
    "task layers without a shared encoder": Case(
        {"task_layers": {"kind": "pal"}, "model": {"encoders": "per-task"}},
        "task_layers.kind = 'pal' needs a shared encoder; with model.encoders = 'per-task' none is shared",
        {"task_layers": {"kind": "pal"}},
    ),
    "task layers and own layers": Case(
        {"task_layers": {"kind": "adapter"}, "model": {"own_layers": 1}},
        "task_layers.kind = 'adapter' and model.own_layers = 1 both give each task layers of its own; choose one",
        {"task_layers": {"kind": "none"}, "model": {"own_layers": 1}},
    ),
    "R-Drop without dropout": Case(r_drop(), NO_DROPOUT, r_drop(encoder=0.1)),
    "R-Drop without dropout in any layer": Case(
        r_drop(dropout_hidden=0.2, side_layers=1), NO_DROPOUT, r_drop(dropout_hidden=0.2, side_layers=2)
    ),
    "R-Drop with hidden dropout of a linear head": Case(
        r_drop(dropout_hidden=0.2), NO_DROPOUT, r_drop(dropout_hidden=0.2, layers=2)
    ),
    "R-Drop where the last dropout is off": Case(
        r_drop(dropout_hidden=0.2, dropout_last=0.0, layers=2),
        NO_DROPOUT,
        r_drop(dropout_hidden=0.2, dropout_last=0.0, layers=3),
    ),
    "R-Drop with a last dropout without an MLP": Case(
        r_drop(dropout_last=0.2), NO_DROPOUT, r_drop(dropout_last=0.2, layers=2)
    ),
    "R-Drop with LoRA dropout but without LoRA": Case(
        r_drop(lora={"dropout": 0.1}), NO_DROPOUT, r_drop(lora={"dropout": 0.1, "rank": 4})
    ),
    "R-Drop above frozen layers without dropout": Case(
        {"model": {"freeze": "encoder", "frozen_dropout": False}, "heads": {"para": {"dropout": 0.0}}, **R_DROP},
        "r_drop.alpha.para = 1 needs dropout, but model.frozen_dropout = false, and the head has none",
        {"model": {"freeze_layers": 1, "frozen_dropout": False}, "heads": {"para": {"dropout": 0.0}}, **R_DROP},
    ),
    "R-Drop with another head's dropout": Case(
        {**r_drop(), "heads": {**r_drop()["heads"], "sst": {"dropout": 0.3}}}, NO_DROPOUT, r_drop(dropout=0.3)
    ),
}


def run_config(tasks: tuple[str, ...], sections: dict[str, Any]) -> RunConfig:
    specs = builtin_tasks()
    return RunConfig.model_validate({"tasks": {name: {"spec": specs[name]} for name in tasks}, **sections})


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_go_together_is_refused(name: str) -> None:
    case = CASES[name]
    with pytest.raises(ValidationError, match=re.escape(case.reason)):
        run_config(case.tasks, case.refused)
    run_config(case.tasks, case.neighbour)


def test_two_batch_sizes_are_distinguished() -> None:
    """A task's own batch size counts, not that of the others."""
    specs = builtin_tasks()
    tasks = {name: {"spec": specs[name], "batch_size": 2} for name in ("sst", "sts")}
    sections: dict[str, Any] = {"budget": {"batch_size": 16}, **sts(loss="pearson")}
    with pytest.raises(ValidationError, match="two points always correlate; got 2"):
        RunConfig.model_validate({"tasks": tasks, **sections})
    tasks["sts"]["batch_size"] = 4
    RunConfig.model_validate({"tasks": tasks, **sections})


def test_pcgrad_goes_with_lora_and_several_turns() -> None:
    run_config(("sst", "para", "sts"), pcgrad(lora={"rank": 4}, optim={"accumulate": 2}))
