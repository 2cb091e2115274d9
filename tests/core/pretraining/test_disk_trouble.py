"""A disk that takes no more, and a cache that cannot be written to: one line, and no stage lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.pretraining import NullStageObserver, pretrained_weights
from data.errors import UserError
from tests.core.full_disk import FullDisk

MakeConfig = Callable[..., RunConfig]
Weights = dict[str, Tensor]
STAGES = PretrainingConfig.model_validate(
    {"mlm": {"examples": 40, "batch_size": 8}, "mnrl": {"examples": 80, "batch_size": 8}}
)


class Watcher(NullStageObserver):
    """Counts the steps of each stage; from the second one's first step on, the disk is full for files of this name."""

    def __init__(self, disk: FullDisk | None = None, full_for: str = "") -> None:
        self.disk, self.full_for = disk, full_for
        self.steps = {"mlm": 0, "mnrl": 0}

    def advanced(self, stage: str, examples: int) -> bool:
        assert examples > 0
        self.steps[stage] += 1
        if self.disk is not None and self.steps["mnrl"] == 1:
            self.disk.name = self.full_for
        return True


def folder_of(stage: str, cache: Path) -> Path:
    facts = (cache / "stages").glob("*/stage.json")
    (found,) = (path.parent for path in facts if json.loads(path.read_text())["stage"] == stage)
    return found


@pytest.fixture
def train(small_config: MakeConfig, resources: Resources) -> Callable[[Path, Watcher], Weights]:
    def train(cache: Path, watcher: Watcher) -> Weights:
        weights = pretrained_weights(small_config(), STAGES, resources, cache, watcher, checkpoint_seconds=0.0)
        assert weights is not None
        return weights

    return train


def same(a: Weights, b: Weights) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("file", "steps", "steps_left"), [("checkpoint.pt", 1, 10), ("stage.json", 10, 0), ("encoder.safetensors", 10, 0)]
)
def test_a_full_disk(
    train: Callable[[Path, Watcher], Weights],
    tmp_path: Path,
    file: str,
    steps: int,
    steps_left: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The earlier stage stays, and this one continues from its last checkpoint."""
    undisturbed = train(tmp_path / "undisturbed", Watcher())
    cache = tmp_path / "cache"
    watcher = Watcher(FullDisk(monkeypatch), file)
    with pytest.raises(UserError) as caught:
        train(cache, watcher)
    folder = folder_of("mnrl", cache)
    assert str(caught.value) == f"cannot write '{folder / file}': No space left on device"
    assert watcher.steps == {"mlm": 5, "mnrl": steps}
    assert not list(cache.rglob("*.tmp"))  # it would keep the disk full
    assert (folder_of("mlm", cache) / "encoder.safetensors").exists()
    assert not (folder / "encoder.safetensors").exists()

    rest = Watcher()
    assert same(train(cache, rest), undisturbed)
    assert rest.steps == {"mlm": 0, "mnrl": steps_left}


@pytest.mark.parametrize(
    ("obstacle", "reason"), [("a file", "Not a directory"), ("no permission", "Permission denied")]
)
def test_a_cache_that_cannot_be_written_to(
    train: Callable[[Path, Watcher], Weights], tmp_path: Path, obstacle: str, reason: str
) -> None:
    stages = tmp_path / "stages"
    if obstacle == "a file":
        stages.touch()
    else:
        stages.mkdir(0o500)
        if os.access(stages, os.W_OK):
            pytest.skip("to this user everything is permitted")
    watcher = Watcher(tmp_path)
    with pytest.raises(UserError) as caught:
        train(tmp_path, watcher)
    message = str(caught.value)
    assert message.startswith(f"cannot write to '{stages}/")
    assert message.endswith(f"': {reason}")
    assert "\n" not in message
    assert watcher.steps == {"mlm": 0, "mnrl": 0}


def test_a_result_is_taken_where_nothing_can_be_written(
    train: Callable[[Path, Watcher], Weights], tmp_path: Path
) -> None:
    weights = train(tmp_path, Watcher())
    folders = [*(tmp_path / "stages").iterdir(), tmp_path / "stages"]
    for folder in folders:
        (folder / "lock").unlink(missing_ok=True)
        folder.chmod(0o500)
    watcher = Watcher(tmp_path)
    try:
        assert same(train(tmp_path, watcher), weights)
        assert not list((tmp_path / "stages").rglob("lock"))  # it did not try, where everything is permitted
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert watcher.steps == {"mlm": 0, "mnrl": 0}
