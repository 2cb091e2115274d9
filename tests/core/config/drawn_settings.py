"""Settings of RunConfig and values to draw for them; switches are techniques with a few values each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.space.paths import FieldType, config_fields, get_value, set_value

Settings: TypeAlias = dict[str, Any]  # by dotted path

TASKS = ("sst", "para", "sts")

FIELDS = config_fields(TASKS)
BASE = RunConfig.model_validate(
    {
        "model": {"encoder": "scratch", "scratch": {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 32}},
        "tasks": {name: {"spec": builtin_tasks()[name], "dev_limit": 20} for name in TASKS},
        "optim": {"learning_rate": 3e-3},
        "budget": {"examples": 240, "batch_size": 8},
        "eval": {"rungs": 2, "train_examples": 10},
        "compute": {"device": "cpu"},
    }
)

# Where and how long a run is computed, and which files it reads, is not a technique. Sections or settings, with
# a dot at the end, so that "model.encoder." is not "model.encoders" too.
NOT_DRAWN = (
    "data.",
    "compute.device.",
    "compute.threads.",
    "eval.",
    "model.encoder.",
    "model.scratch.",
    "model.max_length.",
    "pretraining.",  # see tests/core/pretraining
    "augmentation.",  # see tests/core/inputs/test_augmentation.py
)

# Values that a tiny model can have, where a field alone does not say them; the rest is drawn from the field's type.
VALUES: dict[str, list[Any]] = {
    "compute.precision": ["float32", "bfloat16"],  # auto is for studies
    "seed": [0, 7, 2**32 - 1],
    "model.freeze_layers": [0, 1],  # of two; more than there are is for the encoder to refuse
    "model.reinit_layers": [0, 1],
    "model.own_layers": [0, 1, 2],
    "task_layers.size": [None, 4, 8],
    "task_layers.heads": [1, 2, 4],
    "lora.rank": [0, 1, 4],
    "lora.alpha": [None, 0.5, 32.0],
    "lora.targets": ["query,value", "attention", "all-linear", "output, key"],
    "budget.examples": [20, 600],
    "budget.batch_size": [1, 2, 5, 20],
    "budget.epochs": [1, 2, 10],
    "optim.learning_rate": [1e-5, 3e-3],
    "optim.head_learning_rate": [None, 1e-4, 1e-2],
    "optim.layer_decay": [0.5, 0.9, 1.0],
    "optim.accumulate": [1, 2, 3],
    "optim.epsilon": [1e-8, 1e-6],
    "optim.clip_norm": [None, 0.1, 1.0],
    "optim.ema": [None, 0.9],
    "swa.start": [None, 0.0, 0.05],  # from the first update on, and from the second or third
    "loss.uncertainty_rate": [1e-3, 0.1],
    "gradients.anchor": [None, *TASKS],
    "smart.steps": [1, 2],
    "smart.epsilon": [1e-5, 1e-2],
    "smart.sigma": [1e-5, 1e-2],
    "smart.step_size": [1e-3, 0.1],
}

TASK_VALUES: dict[str, list[Any]] = {
    "score_weight": [0.5, 2.0],
    "train_limit": [None, 1, 3, 50],
    "dev_limit": [None, 20],
    "batch_size": [None, 1, 3, 8, 32],
    "side_layers": [0, 1, 3],
    "layers": [1, 2, 4],
    "hidden_size": [None, 1, 12],
    "score_classes": [None, 2, 6, 11],
    "auxiliary_weight": [0.1, 2.0],
    "class_weights": [None, (1.0, 3.0), (1.0, 0.5, 2.0, 0.5, 1.0, 4.0)],  # for two classes, and six
    "cosine_margin": [-0.5, 0.0, 0.5],
    "cosine_threshold": [-0.5, 0.5],
    "cosent_scale": [1.0, 20.0],
}

BY_SECTION: dict[str, list[Any]] = {
    "loss.weights.": [0.0, 0.5, 3.0],
    "smart.weight.": [0.0, 1.0, 5.0],
    "proximal.weight.": [0.0, 1.0],
    "r_drop.alpha.": [0.0, 1.0, 5.0],
}


def values_of(path: str, field: FieldType) -> list[Any]:
    """Return the values to draw from."""
    if path in VALUES:
        return VALUES[path]
    for prefix, values in BY_SECTION.items():
        if path.startswith(prefix):
            return values
    last = path.rpartition(".")[2]
    if path.startswith(("tasks.", "heads.")) and last in TASK_VALUES:
        return TASK_VALUES[last]
    optional = [None] if field.optional else []
    if field.literals:
        return [*optional, *field.literals]
    if field.kind is bool:
        return [False, True]
    assert field.kind is float, f"say in VALUES of {Path(__file__).name} what values {path} may be drawn from"
    return [*optional, 0.0, 0.3, 0.9]  # probabilities, shares and decays


DRAWN = {path: values_of(path, field) for path, field in FIELDS.items() if not f"{path}.".startswith(NOT_DRAWN)}


def head(task: str, **fields: Any) -> Settings:
    return {f"heads.{task}.{name}": value for name, value in fields.items()}


def for_tasks(section: str, *values: Any) -> Settings:
    return {f"{section}.{task}": value for task, value in zip(TASKS, values, strict=True)}


# Settings that make sense together only. What a value leaves out stays as in BASE.
SWITCHES_BY_HAND: dict[str, list[Settings]] = {
    "gradients": [
        {},
        {"gradients.rule": "pcgrad"},
        {"gradients.rule": "anchored", "gradients.anchor": "sst"},
        {"gradients.rule": "anchored", "gradients.anchor": "sts"},
    ],
    "lora": [
        {},
        {"lora.rank": 4},
        {
            "lora.rank": 2,
            "lora.alpha": 8.0,
            "lora.rank_stabilised": True,
            "lora.dropout": 0.3,
            "lora.targets": "all-linear",
            "lora.initial": "kaiming",
            "lora.embeddings": True,
        },
    ],
    "smart": [
        {},
        for_tasks("smart.weight", 1.0, 5.0, 1.0),
        {**for_tasks("smart.weight", 1.0, 1.0, 1.0), "smart.mode": "released", "smart.steps": 2},
    ],
    "proximal": [{}, for_tasks("proximal.weight", 1.0, 1.0, 1.0), for_tasks("proximal.weight", 0.0, 1.0, 3.0)],
    "r_drop": [{}, for_tasks("r_drop.alpha", 1.0, 5.0, 1.0), for_tasks("r_drop.alpha", 0.0, 0.0, 1.0)],
    "weighting": [
        {},
        for_tasks("loss.weights", 0.0, 1.0, 3.0),
        {**for_tasks("loss.weights", 0.5, 1.0, 2.0), **for_tasks("loss.taper", "inverse", "constant", "log")},
        {**for_tasks("loss.weights", 0.5, 1.0, 2.0), "loss.weighting": "uncertainty"},
    ],
    "freeze_layers": [{}, {"model.freeze_layers": 1}],
    "reinit_layers": [{}, {"model.reinit_layers": 1}],
    "own_layers": [{}, {"model.own_layers": 1}, {"model.own_layers": 2}],
    "task_layers": [
        {},
        {"task_layers.kind": "pal", "task_layers.size": 8, "task_layers.heads": 2},
        {"task_layers.kind": "pal", "task_layers.size": 6, "task_layers.heads": 3, "task_layers.mode": "released"},
        {"task_layers.kind": "adapter", "task_layers.size": 4, "task_layers.layer_norms": True},
    ],
    "accumulate": [{}, {"optim.accumulate": 2}, {"optim.accumulate": 3}],
    "clip_norm": [{}, {"optim.clip_norm": None}, {"optim.clip_norm": 0.1}],
    "ema": [{}, {"optim.ema": 0.9}],
    "epochs": [{}, {"budget.epochs": 2}],
    "batch sizes": [{}, {"tasks.sst.batch_size": 3, "tasks.para.batch_size": 12, "tasks.sts.batch_size": 5}],
    "sst head": [
        {},
        head("sst", layers=3, hidden_size=12, label_smoothing=0.1),
        head("sst", class_balance=1.0, label_smoothing=0.3),
        head("sst", class_weights=(1.0, 0.3, 2.0, 0.5, 1.0)),
    ],
    "para head": [
        {},
        head("para", loss="bce"),
        head("para", pair="siamese", class_balance=0.5, layers=2),
        head("para", pair="siamese", combine="uv", loss="cross-entropy", label_smoothing=0.1),
        head("para", pair="siamese", combine="uv-diff", loss="bce", side_layers=2),
        head("para", pair="siamese", combine="cos"),
        head("para", pair="siamese", combine="cos", side_layers=1, loss="cosine-embedding", cosine_margin=0.5),
    ],
    "sts head": [
        {},
        head("sts", pair="siamese", combine="uv-absdiff", layers=2, output="sigmoid"),
        head("sts", pair="siamese", combine="uv", loss="mse", auxiliary_loss="cosent"),
        head("sts", pair="siamese", combine="uv-diff", loss="pearson"),
        head("sts", pair="siamese", combine="cos", side_layers=1),
        head("sts", pair="siamese", combine="cos", side_layers=1, loss="pearson", auxiliary_loss="mse"),
        head("sts", pair="siamese", combine="cos", output="cos", loss="cosent", auxiliary_loss="pearson"),
        head("sts", pair="siamese", combine="cos", side_layers=2, output="relu-cos"),
        head("sts", pair="siamese", combine="cos", output="raw-cos"),
        head("sts", output="linear", auxiliary_loss="pearson", pair_order="both"),
        head("sts", output="sigmoid", loss="bce"),
        head("sts", output="classes", divergence="squared-error"),
        head("sts", output="classes", loss="cross-entropy", class_balance=0.5),
        head("sts", pair="siamese", output="classes", score_classes=11, score_from="argmax", label_smoothing=0.1),
    ],
}

BY_HAND = {path for values in SWITCHES_BY_HAND.values() for value in values for path in value}

SECTIONS_BY_HAND = {path.partition(".")[0] for path in BY_HAND}


def found_switches() -> Iterator[tuple[str, list[Settings]]]:
    """Yield settings of a few values, and all of a section that no switch above names; their paths are the names."""
    for path, values in DRAWN.items():
        few = FIELDS[path].literals or FIELDS[path].kind is bool
        if path not in BY_HAND and (few or path.partition(".")[0] not in SECTIONS_BY_HAND):
            allowed = [{path: value} for value in values if made({path: value}) is not None]
            if len(allowed) > 1:
                yield path, allowed


def made(wanted: Settings) -> RunConfig | None:
    """Return BASE with these settings; None if that is not allowed."""
    tree = BASE.model_dump()
    for path, value in wanted.items():
        set_value(tree, path, value)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        assert len(message.removeprefix("Value error, ")) > 20, "a refusal says why"
        return None


SWITCHES: dict[str, list[Settings]] = {**SWITCHES_BY_HAND, **dict(found_switches())}


OTHERS = sorted(set(DRAWN) - {path for values in SWITCHES.values() for value in values for path in value})


def differing(config: RunConfig) -> Settings:
    """Return the settings in which the config differs from BASE, for a message."""
    return {path: get_value(config, path) for path in DRAWN if get_value(config, path) != get_value(BASE, path)}


def with_settings(wanted: list[Settings]) -> RunConfig:
    """Return BASE with as many of the settings as go together, each tried again after the others."""
    config, accepted, left = BASE, {}, wanted
    for _ in range(2):
        refused = []
        for group in left:
            changed = made({**accepted, **group})
            if changed is None:
                refused.append(group)
            else:
                config, accepted = changed, {**accepted, **group}
        left = refused
    return config
