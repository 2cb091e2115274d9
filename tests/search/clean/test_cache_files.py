"""Entries of the cache: those go that no unfinished trial may need."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from filelock import FileLock
from stub_study import BASE, SPEC

from core.config import RunConfig
from search.clean.cache_files import cache_files
from search.clean.found_files import FilesBelow
from search.clean.survey import Cleaning
from search.recorded.study import create_or_load
from tests.search.clean.runs_folder import MLM, Runs, write


def test_entries_that_open_trials_may_need_are_kept(runs: Runs) -> None:
    runs.study("s", "RUNNING", config=MLM)
    wanted = runs.stage("a", MLM)
    other = runs.stage("b", RunConfig.model_validate({**MLM.model_dump(), "pretraining": {"mlm": {"examples": 99}}}))
    busy = runs.stage("c", BASE)
    runs.entry("tokens", "sst-train-0a")
    cfimdb, further = runs.entry("tokens", "cfimdb-train-0a"), runs.entry("further", "sst-0a-0b")
    write(runs.root / "cache" / "vocabularies" / "0a-300.json")
    write(runs.root / "answers" / "answers.sqlite")
    with FileLock(busy / "lock"):
        freed = runs.freed()
    assert freed == {
        *(f"cache/{entry}/{file}" for entry in ("tokens/cfimdb-train-0a", "further/sst-0a-0b")
          for file in ("manifest.json", "facts.json", "labels.npy")),
        "cache/stages/b/encoder.safetensors",
        "cache/stages/b/checkpoint.pt.tmp",
    }  # fmt: skip
    assert not cfimdb.exists()
    assert not further.exists()
    assert (wanted / "encoder.safetensors").exists()
    assert {path.name for path in other.iterdir()} == {"lock", "stage.json"}


def test_a_stage_in_passes_is_kept_whatever_its_examples(runs: Runs) -> None:
    """How many they are depends on the data, which are not read here."""
    one_pass = {**MLM.model_dump(), "pretraining": {"mlm": {"passes": 1}}}
    runs.study("s", "RUNNING", config=RunConfig.model_validate(one_pass))
    runs.stage("a", MLM)
    faster = {"mlm": {"examples": 100, "learning_rate": 1e-3}}
    runs.stage("b", RunConfig.model_validate({**MLM.model_dump(), "pretraining": faster}))
    assert {Path(name).parts[:3] for name in runs.freed()} == {("cache", "stages", "b")}


def test_a_waiting_trial_needs_the_stages_of_its_parameters_and_the_base(runs: Runs) -> None:
    spec = replace(SPEC, name="s", first_trials=(), base=MLM)
    study = create_or_load(spec, runs.storage)
    runs.stage("a", MLM)
    assert "cache/stages/a/encoder.safetensors" in {
        f.path.relative_to(runs.root).as_posix()
        for found in Cleaning(runs.root, runs.address).survey().findings
        for f in found.files
    }
    study.enqueue_trial({"optim.learning_rate": 1e-3})
    assert runs.freed() == set()


def test_outputs_of_frozen_layers_are_kept_while_an_open_trial_may_read_them(runs: Runs) -> None:
    for name in ("a.rows", "a.index"):
        write(runs.root / "cache" / "features" / "0a" / name)
    model = {**BASE.model_dump()["model"], "freeze_layers": 1}
    for number, dropout in enumerate((False, True)):
        config = RunConfig.model_validate({**BASE.model_dump(), "model": {**model, "frozen_dropout": dropout}})
        files = cache_files(runs.root / "cache", [BASE, config], FilesBelow(runs.root))
        assert [found.what for found in files] == ["outputs of frozen layers"] * number
    (found,) = files
    assert [file.path.name for file in found.files] == ["a.index", "a.rows"]
    runs.study("s", "COMPLETE")
    assert {"cache/features/0a/a.rows", "cache/features/0a/a.index"} < runs.freed()
    assert not (runs.root / "cache" / "features" / "0a").exists()


def test_old_drafts_are_freed(runs: Runs) -> None:
    for name, age in ((".writing-a", 7200), (".writing-b", 0)):
        file = write(runs.root / "cache" / "tokens" / name / "labels.npy")
        os.utime(file, (time.time() - age,) * 2)
    assert runs.freed() == {"cache/tokens/.writing-a/labels.npy"}


def test_stages_are_kept_where_the_runs_are_not_known(runs: Runs) -> None:
    runs.stage("a", MLM)
    runs.entry("tokens", "sst-dev-0a")
    cache, below = runs.root / "cache", FilesBelow(runs.root)
    assert [finding.what for finding in cache_files(cache, None, below)] == ["tokenised data"]
    found = cache_files(cache, [], below)
    assert [finding.what for finding in found] == ["tokenised data", "further pretraining, mlm"]
    assert found[0].files[0].path.name == "manifest.json"  # an entry without one is never read
    assert found[0].is_cache
    assert found[1].folders == ()  # the lock stays in it
    assert cache_files(cache, [MLM], below) == []
