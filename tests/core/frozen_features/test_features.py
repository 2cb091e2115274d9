"""Kept outputs of frozen layers: used where they may be, and never visible in a result."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.frozen_features.cache_limit import LIMIT_VARIABLE
from core.frozen_features.features import FEATURES
from core.frozen_features.prefix import FrozenPrefix, Row
from core.inputs.resources import Resources
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import predict
from core.trainer import RunOutcome, TrainingRun, train
from tests.core.test_trainer import Watcher, curve, same_files

MakeConfig = Callable[..., RunConfig]

TASKS = ("sst", "para", "sts")
ALL = frozenset(TASKS)
LOWER = {"freeze_layers": 1}
WHOLE = {"freeze": "encoder"}
POOLINGS = {"sst": {"pooling": "pooler"}, "para": {"pair": "siamese", "pooling": "mean"}, "sts": {"pooling": "max"}}


@pytest.fixture
def frozen_config(small_config: MakeConfig) -> MakeConfig:
    """Make a config without dropout in frozen layers."""

    def make(model: dict[str, Any], **sections: Any) -> RunConfig:
        return small_config(model={**small_config().model.model_dump(), "frozen_dropout": False, **model}, **sections)

    return make


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Return the rows that frozen layers have computed so far, in all stores."""
    seen: list[Row] = []
    real = FrozenPrefix.outputs

    def outputs(prefix: FrozenPrefix, rows: list[Row]) -> Iterator[Tensor]:
        seen.extend(rows)
        return real(prefix, rows)

    monkeypatch.setattr(FrozenPrefix, "outputs", outputs)
    return seen


def users(config: RunConfig, resources: Resources, folder: Path) -> set[str]:
    """Return the tasks whose batches get outputs of frozen layers."""
    run = TrainingRun(config, RunFolder(folder), resources)
    batches = {task: data.next_batch(4) for task, data in run.tasks.items()}
    return {task for task, batch in batches.items() if run.features.look_up(batch).lower is not None}


ONE_TASK_OF_SMART = {"smart": {"weight": {"para": 1.0}}}
SECTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], frozenset[str]]] = {
    "a frozen layer": (LOWER, {}, ALL),
    "both layers": ({"freeze_layers": 2}, {}, ALL),
    "all": (WHOLE, {}, ALL),
    "an encoder for each task": ({**LOWER, "encoders": "per-task"}, {}, ALL),
    "top layers for each task": ({**LOWER, "own_layers": 1}, {}, ALL),
    "a new layer above": ({**LOWER, "reinit_layers": 1}, {}, ALL),
    "techniques": (LOWER, {"r_drop": {"alpha": {"sst": 1.0}}, "proximal": {"weight": {"sts": 1.0}}}, ALL),
    "bfloat16 above": (LOWER, {"compute": {"precision": "bfloat16"}}, ALL),
    "SMART": (LOWER, ONE_TASK_OF_SMART, ALL - {"para"}),
    "dropout in frozen layers": ({**LOWER, "frozen_dropout": True}, {}, frozenset()),
    "no dropout anywhere": ({**LOWER, "frozen_dropout": True, "dropout": 0, "attention_dropout": 0}, {}, frozenset()),
    "nothing frozen": ({}, {}, frozenset()),
    "embeddings": ({"freeze": "embeddings"}, {}, frozenset()),
    "LoRA": ({}, {"lora": {"rank": 2}}, frozenset()),
    "adapters": (WHOLE, {"task_layers": {"kind": "adapter", "size": 4}}, frozenset()),
    "PALs": (LOWER, {"task_layers": {"kind": "pal", "size": 4, "heads": 2}}, frozenset()),
    "LayerNorms": (WHOLE, {"task_layers": {"kind": "adapter", "size": 4, "layer_norms": True}}, frozenset()),
}


@pytest.mark.parametrize(("model", "sections", "expected"), SECTIONS.values(), ids=SECTIONS)
def test_where_they_are_used(
    frozen_config: MakeConfig,
    resources: Resources,
    tmp_path: Path,
    model: dict[str, Any],
    sections: dict[str, Any],
    expected: frozenset[str],
) -> None:
    assert users(frozen_config(model, **sections), resources, tmp_path) == expected


def test_not_on_other_devices(frozen_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = frozen_config(LOWER)
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    features = type(run.features)(config, run.model, resources.cache_dir, torch.device("meta"))
    batch = run.tasks["sst"].next_batch(4)
    assert features.look_up(batch) is batch


def test_not_on_systems_that_do_not_read_parts_of_files(
    frozen_config: MakeConfig, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.preadv")
    assert not users(frozen_config(LOWER), resources, tmp_path)


def test_rows_that_differ_in_their_segments_alone(frozen_config: MakeConfig, tmp_path: Path) -> None:
    run = TrainingRun(frozen_config(LOWER), RunFolder(tmp_path), Resources(tmp_path / "cache"))
    batch = run.tasks["sst"].next_batch(4)
    second = replace(batch, token_type_ids=torch.ones_like(batch.token_type_ids))
    found = [run.features.look_up(one).lower for one in (batch, second)]
    assert found[0] is not None
    assert found[1] is not None
    assert not torch.allclose(found[0].hidden, found[1].hidden)


def test_equal_rows_of_a_batch_are_computed_once(
    frozen_config: MakeConfig, tmp_path: Path, computed: list[Row]
) -> None:
    run = TrainingRun(frozen_config(LOWER), RunFolder(tmp_path), Resources(tmp_path / "cache"))
    one = run.tasks["sst"].next_batch(1)
    ids, segments = one.input_ids.repeat(3), one.token_type_ids.repeat(3)
    several = replace(one, input_ids=ids, token_type_ids=segments, offsets=torch.arange(4) * len(one.input_ids))
    found, single = run.features.look_up(several).lower, run.features.look_up(one).lower
    assert len(computed) == 1
    assert found is not None
    assert single is not None
    assert torch.equal(found.hidden, single.hidden.repeat(3, 1))


@pytest.mark.parametrize("model", [LOWER, WHOLE, {"freeze_layers": 2}, {**LOWER, "encoders": "per-task"}], ids=str)
def test_outputs_and_gradients_equal_those_without(
    frozen_config: MakeConfig, tmp_path: Path, model: dict[str, Any]
) -> None:
    """In float64, and with the dropout that is left: its masks are the same."""
    run = TrainingRun(frozen_config(model, heads=POOLINGS), RunFolder(tmp_path), Resources(tmp_path / "cache"))
    run.model.double().train()
    for data in run.tasks.values():
        batch = data.next_batch(12)
        found = []
        for known in (batch, run.features.look_up(batch), run.features.look_up(batch)):
            torch.manual_seed(3)
            outputs = run.model(known)
            outputs.square().sum().backward()
            gradients = [p.grad.to_dense() for p in run.model.parameters() if p.grad is not None]
            found.append([outputs.detach(), *gradients])
            run.model.zero_grad()
        plain, cold, warm = found
        assert len(plain) > 2
        for one, other, again in zip(plain, cold, warm, strict=True):
            assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)
            assert torch.equal(other, again)
        assert predict(run.model, run.config, data.dev, data.layout, run.device) == pytest.approx(
            predict(run.model, run.config, data.dev, data.layout, run.device, run.features), abs=1e-6
        )


def test_perturbed_embeddings_go_through_the_frozen_layers(
    frozen_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    run = TrainingRun(frozen_config(LOWER), RunFolder(tmp_path), resources)
    batch = run.features.look_up(run.tasks["sst"].next_batch(4))
    run.model.eval()
    words = run.model.embed_words(batch)
    assert torch.allclose(run.model(batch), run.model(batch, words), atol=1e-6)
    assert not torch.allclose(run.model(batch), run.model(batch, words + torch.randn_like(words)), atol=1e-3)


@pytest.mark.parametrize("model", [LOWER, WHOLE], ids=["lower", "whole"])
def test_no_state_of_the_cache_changes_a_curve(
    frozen_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    computed: list[Row],
    model: dict[str, Any],
) -> None:
    """Empty, full, half full, damaged, deleted in between, bounded, of a killed run."""
    torch.set_num_threads(1)
    short = {"budget": {"examples": 200, "batch_size": 20}, "eval": {"rungs": 2}}
    config = frozen_config(model, heads=POOLINGS, optim={"learning_rate": 3e-3, "ema": 0.9}, **short)

    def trained(name: str, cache: Path) -> int:
        """Train, compare, and return the number of rows that frozen layers computed."""
        before = len(computed)
        assert train(config, tmp_path / name, Resources(cache), NullRunObserver()) == RunOutcome.FINISHED
        assert curve(tmp_path / name) == curve(tmp_path / "cold")
        assert same_files(tmp_path / name, tmp_path / "cold")
        return len(computed) - before

    cache = tmp_path / "cache"
    all_rows = trained("cold", cache)
    assert all_rows > 300
    assert trained("warm", cache) == 0

    half = tmp_path / "half a cache"
    shutil.copytree(cache, half)
    (index,) = (half / FEATURES).rglob("*.index")
    entries = index.stat().st_size // 24
    with index.open("rb+") as file:
        file.truncate(24 * (entries // 2))
    with index.with_suffix(".rows").open("rb+") as file:
        file.seek(10)
        file.write(b"damage")
    assert trained("half full and damaged", half) == entries - entries // 2 + 1
    assert trained("repaired", half) == 0

    class DeletingObserver(NullRunObserver):
        def evaluated(self, evaluation: Evaluation) -> bool:
            shutil.rmtree(half / FEATURES, ignore_errors=True)
            return super().evaluated(evaluation)

    train(config, tmp_path / "deleted", Resources(half), DeletingObserver())
    assert curve(tmp_path / "deleted") == curve(tmp_path / "cold")

    monkeypatch.setenv(LIMIT_VARIABLE, str((50_000 if "freeze" not in model else 10_000) / 2**30))
    bounded = tmp_path / "bounded cache"
    assert trained("bounded", bounded) > all_rows  # some rows again and again
    size = sum(file.stat().st_size for file in (bounded / FEATURES).rglob("*") if file.is_file())
    assert 5_000 < size <= 50_000
    monkeypatch.delenv(LIMIT_VARIABLE)

    killed = tmp_path / "cache of a killed run"
    assert train(config, tmp_path / "killed", Resources(killed), Watcher(stop_after_steps=7)) == "interrupted"
    assert 0 < trained("killed", killed) < all_rows


def test_two_runs_share_the_rows_while_they_train(
    frozen_config: MakeConfig, tmp_path: Path, computed: list[Row]
) -> None:
    config, resources = frozen_config(LOWER), Resources(tmp_path / "cache")
    runs = [TrainingRun(config, RunFolder(tmp_path / name), resources) for name in ("a", "b")]
    for step in range(12):
        before = len(computed)
        torch.manual_seed(step)  # for the dropout above: both runs are in one process
        runs[0].step()
        first = len(computed) - before
        torch.manual_seed(step)
        runs[1].step()
        assert len(computed) == before + first  # what one has computed, the other reads at once
    assert computed
    assert all(
        torch.equal(one, other)
        for one, other in zip(runs[0].model.parameters(), runs[1].model.parameters(), strict=True)
    )


def test_rows_are_shared_by_runs_with_the_same_frozen_part(
    frozen_config: MakeConfig, tmp_path: Path, computed: list[Row]
) -> None:
    """Whatever lies above them, and whichever task has the row."""
    resources = Resources(tmp_path / "cache")
    short = {"budget": {"examples": 100, "batch_size": 20}, "eval": {"rungs": 1}}
    train(frozen_config(LOWER, **short), tmp_path / "a", resources, NullRunObserver())
    count = len(computed)
    for name, model in (("own", {"own_layers": 1}), ("each", {"encoders": "per-task"}), ("new", {"reinit_layers": 1})):
        config = frozen_config({**LOWER, **model}, optim={"learning_rate": 1e-2}, **short)
        train(config, tmp_path / name, resources, NullRunObserver())
        assert len(computed) == count
    assert len(list((tmp_path / "cache" / FEATURES).iterdir())) == 1
