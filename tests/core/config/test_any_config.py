"""Whatever RunConfig allows can be trained and scored: it repeats itself, and an interruption changes nothing.

Techniques are switches with a few values each. Every pair of values that RunConfig allows is trained, in as few runs as
a greedy search finds, and random combinations with many other settings besides. Settings are found by walking
RunConfig, so that a new technique takes part as soon as it has a section.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from core.config import DataConfig, RunConfig
from core.inputs.resources import Resources
from core.run.checkpoint import load_checkpoint
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.task_files import builtin_tasks
from search.space.paths import FieldType, config_fields, get_value, set_value

Settings: TypeAlias = dict[str, Any]  # by dotted path
Value: TypeAlias = tuple[str, int]  # a switch, and which of its values
Pair: TypeAlias = tuple[Value, Value]  # of two switches, in their order

TASKS = ("sst", "para", "sts")
FIELDS = config_fields(TASKS)
INTERRUPTED_AFTER, LEAST_STEPS, MOST_STEPS = 2, 3, 30

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

# What says where and how long a run is computed, or which files it reads, is no technique. Sections or settings, with
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
        head("sts", output="classes", loss="cross-entropy", class_balance=0.5),
        head("sts", pair="siamese", output="classes", score_classes=11, score_from="argmax", label_smoothing=0.1),
    ],
}
BY_HAND = {path for values in SWITCHES_BY_HAND.values() for value in values for path in value}
SECTIONS_BY_HAND = {path.partition(".")[0] for path in BY_HAND}


def found_switches() -> Iterator[tuple[str, list[Settings]]]:
    """Settings of a few values, and all those of a section that no switch above knows of; their paths are the names."""
    for path, values in DRAWN.items():
        few = FIELDS[path].literals or FIELDS[path].kind is bool
        if path not in BY_HAND and (few or path.partition(".")[0] not in SECTIONS_BY_HAND):
            allowed = [{path: value} for value in values if made({path: value}) is not None]
            if len(allowed) > 1:
                yield path, allowed


def made(wanted: Settings) -> RunConfig | None:
    """BASE with these settings; None where that is not allowed."""
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
SWITCH_VALUES: list[Value] = [(name, which) for name, values in SWITCHES.items() for which in range(len(values))]
OTHERS = sorted(set(DRAWN) - {path for values in SWITCHES.values() for value in values for path in value})

Row: TypeAlias = dict[str, int]  # which value of each switch; one that is left out stays as in BASE


def settings_of(row: Mapping[str, int]) -> Settings:
    return {path: value for name, which in row.items() for path, value in SWITCHES[name][which].items()}


def pairs_of(row: Mapping[str, int]) -> set[Pair]:
    return {
        (first, second) for first, second in combinations(((name, row[name]) for name in SWITCHES if name in row), 2)
    }


@cache
def legal_pairs() -> dict[Pair, Row]:
    """Pairs that are allowed, by themselves or beside one value of a third switch, with what they need."""
    found = {}
    for first, second in combinations(SWITCH_VALUES, 2):
        if first[0] == second[0]:
            continue
        pair = dict((first, second))
        companions = (pair, *({**dict([other]), **pair} for other in SWITCH_VALUES))
        row = next((row for row in companions if made(settings_of(row)) is not None), None)
        if row is not None:
            found[first, second] = row
    return found


@cache
def covering_rows() -> list[Row]:
    """Combinations in which every legal pair occurs; always the same ones."""
    draw = random.Random(0)
    legal = legal_pairs()
    left = dict.fromkeys(draw.sample(sorted(legal), len(legal)))
    rows = []
    while left:
        row = dict(legal[next(iter(left))])
        for name in draw.sample(sorted(set(SWITCHES) - set(row)), len(SWITCHES) - len(row)):
            candidates = [{**row, name: which} for which in range(len(SWITCHES[name]))]
            draw.shuffle(candidates)
            candidates.sort(key=lambda candidate: sum(pair in left for pair in pairs_of(candidate)), reverse=True)
            row = next((candidate for candidate in candidates if made(settings_of(candidate)) is not None), row)
        for pair in pairs_of(row):
            left.pop(pair, None)
        rows.append(row)
    return rows


def told(config: RunConfig) -> Settings:
    """What the config has otherwise than BASE, for a message."""
    return {path: get_value(config, path) for path in DRAWN if get_value(config, path) != get_value(BASE, path)}


def trained(config: RunConfig, resources: Resources, steps: int | None, interrupted: bool) -> tuple[int, Settings]:
    """The updates made, and all that the run leaves after them and a scoring of dev, but for times and memory.

    Args:
        config: the run.
        resources: of all runs.
        steps: how many updates; None: until every task has had a batch.
        interrupted: saved after some of the updates and taken up by another object.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name))
        run = TrainingRun(config, folder, resources)
        folder.make()
        while not enough(run, steps):
            if interrupted and run.progress.step == INTERRUPTED_AFTER:
                run.save()
                torch.manual_seed(12345)
                run = TrainingRun(config, folder, resources)
                run.resume()
                assert run.progress.step == INTERRUPTED_AFTER
                interrupted = False
            run.step()
        run.evaluate()
        state = load_checkpoint(folder.checkpoint)
        state["best"] = (Path(name) / "best" / "model.safetensors").read_bytes()
        del state["seconds"], state["peak_memory_mib"]
        for evaluation in state["evaluations"]:
            del evaluation["seconds"], evaluation["examples_per_second"], evaluation["cost"]["peak_memory_mib"]
        return run.progress.step, state


def enough(run: TrainingRun, steps: int | None) -> bool:
    if steps is not None or run.progress.step in range(LEAST_STEPS):
        return run.progress.step == steps
    run.losses.read()  # raises if a loss is no number
    return set(run.losses.means()) == set(TASKS) or run.progress.step == MOST_STEPS


def differences(a: Any, b: Any, place: str = "") -> Iterator[str]:
    """Where two checkpoints are not the same to the bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.dtype != b.dtype or not torch.equal(a, b):
            yield place
    elif isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from differences(a[key], b[key], f"{place}/{key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for number, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, f"{place}/{number}")
    elif type(a) is not type(b) or a != b:
        yield place


def check(config: RunConfig, resources: Resources) -> set[str]:
    """Train the config twice, the second time with an interruption; returns the tasks that had a batch."""
    steps, once = trained(config, resources, None, interrupted=False)
    (evaluation,) = once["evaluations"]
    assert 0 <= evaluation["overall"] <= 1, told(config)
    assert all(weight.isfinite().all() for weight in once["parts"]["model"].values()), told(config)
    changed = list(differences(once, trained(config, resources, steps, interrupted=True)[1]))
    if changed:
        again = list(differences(once, trained(config, resources, steps, interrupted=False)[1]))
        why = "the same config gave others" if again else "an interruption changed them"
        pytest.fail(f"after {steps} steps {why}: {changed[:5]}, with {told(config)}")
    return set(evaluation["train_loss"])


def placed(config: RunConfig, corpus: Path) -> RunConfig:
    return config.model_copy(update={"data": DataConfig(directory=str(corpus))})


PARTS = 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the correlation counts as 0")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_legal_pair_of_techniques_trains_repeats_itself_and_resumes(
    resources: Resources, corpus: Path, part: int
) -> None:
    """Each in runs in which every task has a batch, so that a head is trained whose turn comes late."""
    for row in covering_rows()[part::PARTS]:
        config = made(settings_of(row))
        assert config is not None
        assert check(placed(config, corpus), resources) == set(TASKS), told(config)


def test_the_runs_above_are_all_legal_pairs() -> None:
    covered = {pair for row in covering_rows() for pair in pairs_of(row)}
    assert covered == set(legal_pairs())
    assert {value for pair in covered for value in pair} == set(SWITCH_VALUES)
    every = [pair for pair in combinations(SWITCH_VALUES, 2) if pair[0][0] != pair[1][0]]
    assert len(covered) > 0.99 * len(every)  # what goes together is the rule
    assert len(covering_rows()) < 150  # a search that became poor would make the test slow


def test_every_section_takes_part() -> None:
    """An empty walk would pass everything else."""
    sections = {path.partition(".")[0] for path in DRAWN}
    switched = {path.partition(".")[0] for values in SWITCHES.values() for value in values for path in value}
    missing = ", ".join(sorted(sections - switched))
    assert not missing, f"say in SWITCHES_BY_HAND of {Path(__file__).name} which settings turn on: {missing}"
    assert {"smart", "lora", "gradients", "heads", "swa", "optim"} <= switched


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the correlation counts as 0")
@given(
    row=st.fixed_dictionaries({name: st.sampled_from(range(len(values))) for name, values in SWITCHES.items()}),
    others=st.lists(st.sampled_from(OTHERS), min_size=10, max_size=25, unique=True).flatmap(
        lambda paths: st.fixed_dictionaries({path: st.sampled_from(DRAWN[path]) for path in paths})
    ),
)
@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a failure smaller takes longer than the time limit
)
def test_any_valid_config_trains_repeats_itself_and_resumes(
    resources: Resources, corpus: Path, row: Row, others: Settings
) -> None:
    """Other ones in every run of the tests."""
    config = with_settings([SWITCHES[name][which] for name, which in row.items()] + [{p: v} for p, v in others.items()])
    note(str(told(config)))
    check(placed(config, corpus), resources)


def with_settings(wanted: list[Settings]) -> RunConfig:
    """BASE with as many of the settings as go together, each tried again after the others."""
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
