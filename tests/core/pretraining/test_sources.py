"""The data of the stages: which tasks they use, which examples, and what identifies them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from core.config.pretraining import NliFileConfig
from core.inputs.fixed_subset import fixed_subset
from core.inputs.resources import Resources
from core.pretraining.sources import Sources
from data.task_files import builtin_tasks

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def sources(small_config: MakeConfig, resources: Resources, nli_pairs: object) -> Callable[..., Sources]:
    """Make the sources of the small run; keywords are fields of ``nli_file``."""

    def make(config: RunConfig | None = None, **nli_file: Any) -> Sources:
        assert nli_pairs
        return Sources(config or small_config(), NliFileConfig(path="nli.tsv", **nli_file), resources)

    return make


def limited(config: RunConfig, task: str, limit: int) -> RunConfig:
    """Return the run with a limit on a task's training examples."""
    tasks = {**config.tasks, task: config.tasks[task].model_copy(update={"train_limit": limit})}
    return config.model_copy(update={"tasks": tasks})


def test_tasks_are_the_named_ones_or_all_that_suit(sources: Callable[..., Sources]) -> None:
    assert sources().tasks(None, pairs=False) == ["para", "sst", "sts"]
    assert sources().tasks(None, pairs=True) == ["para", "sts"]
    assert sources().tasks("sts, para", pairs=True) == ["para", "sts"]
    assert sources().tasks("sst", pairs=False) == ["sst"]


def test_examples_are_those_that_the_run_trains_on(sources: Callable[..., Sources], small_config: MakeConfig) -> None:
    whole, part = sources().train("sst"), sources(limited(small_config(), "sst", 30))
    assert len(whole) == 240
    found = part.train("sst")
    expected = whole.subset(fixed_subset(240, 30, "sst"))
    assert np.array_equal(found.token_ids, expected.token_ids)
    assert len(found) == 30


def test_the_limit_and_the_classes_identify_training_examples(
    sources: Callable[..., Sources], small_config: MakeConfig
) -> None:
    facts = sources().train_facts(["sst"])["sst"]
    assert facts == {
        "examples": sources().train("sst").digest,
        "limit": None,
        "classes": builtin_tasks()["sst"].classes,
    }
    other = sources(limited(small_config(), "sst", 30)).train_facts(["sst"])["sst"]
    assert other == {**facts, "limit": 30}, "the whole split is identified, and the limit"


def test_the_encoder_belongs_to_the_run(
    sources: Callable[..., Sources], small_config: MakeConfig, resources: Resources
) -> None:
    encoder = resources.encoder(small_config())
    assert sources().tokenizer is encoder.tokenizer
    assert sources().mlm_head is encoder.mlm_head
    assert sources().layout == resources.layout(small_config())


def test_what_identifies_the_pairs_of_the_file(
    sources: Callable[..., Sources], corpus: Path, small_config: MakeConfig, tmp_path: Path
) -> None:
    facts = sources().nli_facts()
    assert facts["file"] == hashlib.sha256((corpus / "nli.tsv").read_bytes()).hexdigest()
    assert "path" not in facts["read"], "a file that was moved is the same"
    assert len(facts["left out"]) == 9  # train, dev and test of three tasks
    assert sources(leave_out_known=False).nli_facts()["left out"] == []
    shutil.copytree(corpus, tmp_path / "data")
    moved = sources(small_config(data={"directory": str(tmp_path / "data")}))
    assert moved.nli_facts() == facts
    with (tmp_path / "data" / "nli.tsv").open("a") as file:
        file.write("one more\tone more\tNEUTRAL\n")
    assert moved.nli_facts()["file"] != facts["file"]


def test_pairs_have_three_classes(sources: Callable[..., Sources]) -> None:
    pairs = sources().nli_pairs()
    assert pairs.labels is not None
    assert np.bincount(pairs.labels).tolist() == [125, 125, 125]
