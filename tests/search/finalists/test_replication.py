"""Recorded configurations trained again over seeds, with stub training."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from replicating import CONFIGS, SEEDS, replicating, spec_of
from stub_study import BASE

from data.errors import UserError
from search.finalists.replication import (
    Runs,
    fresh_seeds,
    on_gpus,
    replication_spec,
    same_compute,
    seeds_of,
    trained_runs,
)
from search.space.paths import why_fixed
from search.space.random_draws import RandomDraws
from search.storage.open import open_storage
from search.trials.record import TrialRecord
from tests.search import planted
from tests.stub_gpus import write_nvidia_smi


def outcome(root: Path) -> list[tuple[Any, ...]]:
    """Return everything that must not depend on kills."""
    study = optuna.load_study(study_name="again", storage=open_storage(None, root))
    return [(t.number, t.state.name, t.params, t.value, t.user_attrs.get("role")) for t in study.get_trials()]


def test_fresh_seeds() -> None:
    assert fresh_seeds([0], 3) == (1, 2, 3)
    assert fresh_seeds([1, 3, 2**32 - 1], 3) == (0, 2, 4)
    assert fresh_seeds([], 1) == (0,)


def test_all_have_the_same_seeds_one_after_the_other() -> None:
    spec = spec_of()
    runs = [(trial.params["variant"], trial.params["seed"]) for trial in spec.first_trials]
    assert runs == [(name, seed) for seed in SEEDS for name in CONFIGS]
    assert spec.first_trials[0].role == "default"
    assert (spec.trials, spec.keep_models, seeds_of(spec)) == (9, 9, SEEDS)
    one = replication_spec("one", CONFIGS, [7])
    assert (one.trials, seeds_of(one), one.base.seed) == (3, (7,), 7)


def test_data_and_compute_are_the_same_for_all() -> None:
    moved = {name: config.model_copy(update={"seed": number}) for number, (name, config) in enumerate(CONFIGS.items())}
    threads = BASE.compute.model_copy(update={"threads": 5})
    moved["poor"] = moved["poor"].model_copy(update={"compute": threads})
    assert why_fixed("compute.threads")  # it would be refused
    with pytest.raises(UserError, match=r"^'poor' has compute.threads = 5, but 'good' has 1; it must"):
        replication_spec("again", moved, SEEDS)
    spec = replication_spec("again", same_compute(moved, data=Path("elsewhere"), threads=2), SEEDS)
    assert (spec.base.compute.threads, spec.base.data.directory) == (2, "elsewhere")


def test_workers_on_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", write_nvidia_smi(tmp_path)["PATH"])
    spec = spec_of()
    assert on_gpus(spec, None, None) == spec
    pinned = on_gpus(spec, "2,0", 2)
    assert ([device.visible for device in pinned.devices], pinned.workers) == (["GPU-c", "GPU-a"], 4)
    assert pinned.identity() == spec.identity()  # it can be resumed on other machines
    on_cpu = BASE.compute.model_copy(update={"device": "cpu"})
    for changed, gpus, per_gpu, said in (
        (spec, None, 2, "--workers-per-gpu needs --gpus"),
        (replace(spec, workers=2), "all", None, "--workers cannot be combined with --gpus"),
        (spec, "x", None, "--gpus x: must be all, or numbers of GPUs such as 0,1"),
        (spec, "9", None, "no GPU 9: there are cuda:0, cuda:1, cuda:2"),
        (
            replace(spec, base=spec.base.model_copy(update={"compute": on_cpu})),
            "all",
            None,
            "--gpus: the study's runs have compute.device = 'cpu'",
        ),
    ):
        with pytest.raises(UserError, match=f"^{said}"):
            on_gpus(changed, gpus, per_gpu)


def test_whatever_they_differ_in_the_trials_are_these_runs() -> None:
    """Settings of any kind, and conditional ones."""
    configs = {f"trial {number}": run for number, run in enumerate(planted.runs(30))}
    spec = replication_spec("again", configs, SEEDS)
    for trial in spec.first_trials:
        drawn = spec.space.suggest(RandomDraws(np.random.default_rng(0), trial.params), spec.base)
        assert drawn == configs[trial.params["variant"]].model_copy(update={"seed": trial.params["seed"]})


def test_the_same_run_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"^'twin' is the same run as 'good'$"):
        replication_spec("again", {**CONFIGS, "twin": CONFIGS["good"].model_copy(update={"seed": 4})}, SEEDS)


def test_what_is_dropped_gets_no_further_seed(tmp_path: Path) -> None:
    asked: list[dict[str, list[int]]] = []

    def drop(runs: Runs) -> Iterable[str]:
        asked.append({name: [one.config.seed for one in records if one.config] for name, records in runs.items()})
        return ["poor"]

    result = replicating(tmp_path, drop)
    assert result.finished
    assert asked == [{name: list(SEEDS[:2]) for name in CONFIGS}]
    runs = trained_runs(result.study, SEEDS, CONFIGS)
    assert {name: len(records) for name, records in runs.items()} == {"good": 3, "fair": 3, "poor": 2}
    for name, records in runs.items():
        for record, seed in zip(records, SEEDS, strict=False):
            assert record.config == CONFIGS[name].model_copy(update={"seed": seed})
    again = replicating(tmp_path, drop)
    assert len(again.study.get_trials()) == 8


def test_killed_and_resumed_it_comes_to_the_same_end(tmp_path: Path) -> None:
    """In its second round, after a variant was dropped."""
    whole = tmp_path / "whole"

    def drop(_: Runs) -> list[str]:
        return ["poor"]

    replicating(whole, drop)
    process = multiprocessing.get_context("fork").Process(target=replicating, args=(tmp_path / "killed", drop, 6))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [state for _, state, *_ in outcome(tmp_path / "killed")].count("COMPLETE") == 6
    replicating(tmp_path / "killed", drop)
    assert outcome(tmp_path / "killed") == outcome(whole)
    assert [TrialRecord.read(trial).role for trial in replicating(whole, None).study.get_trials()][
        -1
    ] == "variant poor, seed 3"
