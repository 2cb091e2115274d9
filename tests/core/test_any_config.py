"""Whatever RunConfig allows can be trained: it repeats itself, and an interruption changes nothing.

Settings are found by walking RunConfig, so that a new technique is drawn from as soon as it has a section.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from core.config import RunConfig
from core.resources import Resources
from core.run_folder import RunFolder
from core.trainer import TrainingRun
from data.task_files import builtin_tasks
from search.config_paths import FieldType, config_fields, set_value

MakeConfig = Callable[..., RunConfig]

TASKS = ("sst", "para", "sts")
FIELDS = config_fields(TASKS)
STEPS = 3

# What says where and how long a run is computed, or which files it reads, is no technique.
NOT_DRAWN = (
    "data.",
    "compute.device",
    "compute.threads",
    "eval.",
    "model.encoder",
    "model.scratch.",
    "model.max_length",
)

# Values that a tiny model can have, where a field alone does not say them; the rest is drawn from the field's type.
VALUES: dict[str, list[Any]] = {
    "seed": [0, 7, 2**32 - 1],
    "model.freeze_layers": [0, 1],  # of two; more than there are is for the encoder to refuse
    "model.reinit_layers": [0, 1],
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
    "optim.ema": [None, 0.9, 0.999],
    "loss.uncertainty_rate": [1e-3, 0.1],
    "gradients.anchor": [None, *TASKS],
    "smart.steps": [1, 2],
    "smart.epsilon": [1e-5, 1e-2],
    "smart.sigma": [1e-5, 1e-2],
    "smart.step_size": [1e-3, 0.1],
    "proximal.weight": [0.0, 1.0],
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
    "class_weights": [None, (1.0, 3.0), (1.0, 0.0, 2.0, 0.5, 1.0)],
    "cosine_margin": [-0.5, 0.0, 0.5],
    "cosine_threshold": [-0.5, 0.5],
    "cosent_scale": [1.0, 20.0],
}
BY_SECTION: dict[str, list[Any]] = {
    "loss.weights.": [0.0, 0.5, 3.0],
    "smart.weight.": [0.0, 1.0, 5.0],
    "r_drop.alpha.": [0.0, 1.0, 5.0],
}


def values_of(path: str, field: FieldType) -> list[Any]:
    """Values to draw from."""
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
    assert field.kind is float, f"say in this file what values {path} may be drawn from"
    return [*optional, 0.0, 0.3, 0.9]  # probabilities, shares and decays


DRAWN = {path: values_of(path, field) for path, field in FIELDS.items() if not path.startswith(NOT_DRAWN)}
SETTINGS = st.lists(
    st.sampled_from(sorted(DRAWN)).flatmap(lambda path: st.tuples(st.just(path), st.sampled_from(DRAWN[path]))),
    min_size=1,
    max_size=25,
    unique_by=lambda setting: setting[0],
)


def with_setting(config: RunConfig, path: str, value: object) -> RunConfig | None:
    """The config with one more setting; None where that is not allowed."""
    tree = config.model_dump()
    set_value(tree, path, value)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        assert len(message.removeprefix("Value error, ")) > 20, "a refusal says why"
        return None


def with_settings(config: RunConfig, wanted: list[tuple[str, Any]]) -> RunConfig:
    """As many of the settings as go together, each tried again after the others."""
    left = wanted
    for _ in range(2):
        refused = []
        for path, value in left:
            changed = with_setting(config, path, value)
            if changed is None:
                refused.append((path, value))
            else:
                config = changed
        left = refused
    return config


def weights_after(config: RunConfig, resources: Resources, interrupted: bool = False) -> dict[str, Tensor]:
    """The model's weights after three steps, in one go or saved after the first and taken up by another object."""
    with tempfile.TemporaryDirectory() as name:
        run = TrainingRun(config, RunFolder(Path(name)), resources)
        run.folder.make()
        for step in range(STEPS):
            if interrupted and step == 1:
                run.save()
                torch.manual_seed(12345)
                run = TrainingRun(config, RunFolder(Path(name)), resources)
                run.resume()
                assert run.progress.step == 1
            run.step()
        run.losses.read()  # raises if a loss is no number
        return {name: weight.clone() for name, weight in run.model.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def check(config: RunConfig, resources: Resources) -> None:
    torch.set_num_threads(1)
    once = weights_after(config, resources)
    assert all(torch.isfinite(weight).all() for weight in once.values())
    assert same(weights_after(config, resources), once), "the same config gave other weights"
    assert same(weights_after(config, resources, interrupted=True), once), "an interruption changed the weights"


@pytest.mark.slow
@given(wanted=SETTINGS)
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_valid_config_trains_repeats_itself_and_resumes(
    small_config: MakeConfig, resources: Resources, wanted: list[tuple[str, Any]]
) -> None:
    check(with_settings(small_config(), wanted), resources)


# What else a choice needs to be allowed.
COMPANIONS: dict[tuple[str, Any], dict[str, Any]] = {
    ("heads.para.combine", "cos"): {"heads.para.loss": "cosine-embedding"},
    ("heads.para.loss", "cosine-embedding"): {"heads.para.combine": "cos"},
    ("heads.sts.output", "cos"): {"heads.sts.combine": "cos"},
    ("heads.sts.output", "relu-cos"): {"heads.sts.combine": "cos"},
    ("heads.sts.loss", "cross-entropy"): {"heads.sts.output": "classes"},
    ("heads.sts.auxiliary_loss", "mse"): {"heads.sts.loss": "pearson"},
    ("heads.para.pair", "cross"): {"heads.para.combine": None},
    ("gradients.rule", "pcgrad"): {"sampler.order": "together"},
    ("gradients.rule", "anchored"): {"gradients.anchor": "sst"},
    ("smart.mode", "released"): {"smart.weight.sst": 1.0},
    ("lora.rank_stabilised", True): {"lora.rank": 4},
    ("lora.initial", "kaiming"): {"lora.rank": 4},
    ("heads.sts.score_from", "argmax"): {"heads.sts.output": "classes"},
}
IMPOSSIBLE = {  # for the kind of the task
    "sst": {"siamese", "bce", "mse", "pearson", "cosent", "cosine-embedding", "cos", "relu-cos", "sigmoid", "classes"}
    | {"uv", "uv-diff", "uv-absdiff"},
    "para": {"cos", "mse", "pearson", "cosent", "relu-cos", "sigmoid", "classes"},
    "sts": {"bce", "cosine-embedding"},
}


def every_choice() -> list[tuple[str, Any]]:
    """Every value of every setting that has a few, where the task can have it."""
    found = []
    for path, field in FIELDS.items():
        if path not in DRAWN or not (field.literals or field.kind is bool):
            continue
        task = path.split(".")[1] if path.startswith("heads.") else None
        for value in field.literals or (False, True):
            impossible = task is not None and value in IMPOSSIBLE[task] and not path.endswith("pooling")
            if path == "heads.para.combine" and value == "cos":
                impossible = False
            if not impossible:
                found.append((path, value))
    return found


@pytest.mark.parametrize(("path", "value"), every_choice())
def test_every_choice_can_be_trained(
    small_config: MakeConfig, resources: Resources, path: str, value: Any, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    tree = small_config().model_dump()
    for other, needed in COMPANIONS.get((path, value), {}).items():
        set_value(tree, other, needed)
    set_value(tree, path, value)
    run = TrainingRun(RunConfig.model_validate(tree), RunFolder(tmp_path), resources)
    run.step()
    run.losses.read()


def test_the_walk_sees_the_techniques() -> None:
    """An empty walk would pass everything above."""
    assert {"smart.weight.sst", "lora.rank", "gradients.rule", "heads.sts.loss", "optim.accumulate"} <= set(DRAWN)
    assert set(builtin_tasks()) > set(TASKS)
