"""A tiny corpus and a tiny run on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks

MakeConfig = Callable[..., RunConfig]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with 240 training and 60 dev examples of each task."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, train=240, dev=60, test=40, seed=1)
    return folder


@pytest.fixture(scope="session")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """Return resources that all tests share, as the runs of a worker do."""
    return Resources(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def small_config(corpus: Path) -> MakeConfig:
    """Make the RunConfig of a run that takes well under a second; sections override its own."""

    def make(tasks: tuple[str, ...] = ("sst", "para", "sts"), **sections: Any) -> RunConfig:
        specs = builtin_tasks()
        pair = {"pair": "siamese", "pooling": "mean"}
        values: dict[str, Any] = {
            "model": {"encoder": "scratch", "scratch": {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 32}},
            "data": {"directory": str(corpus)},
            "tasks": {name: {"spec": specs[name]} for name in tasks},
            "heads": {name: pair for name in tasks if specs[name].kind.is_pair},
            "optim": {"learning_rate": 3e-3},
            "budget": {"examples": 600, "batch_size": 20},
            "eval": {"rungs": 3},
            "compute": {"device": "cpu"},
        }
        for name, section in sections.items():
            values[name] = {**values.get(name, {}), **section} if isinstance(section, dict) else section
        return RunConfig.model_validate(values)

    return make


@pytest.fixture
def run(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> TrainingRun:
    return TrainingRun(small_config(), RunFolder(tmp_path), resources)
