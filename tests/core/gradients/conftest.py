"""The start of a small run with gradient rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def start(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> Callable[..., TrainingRun]:
    def start(folder: str = "run", **sections: Any) -> TrainingRun:
        return TrainingRun(small_config(**sections), RunFolder(tmp_path / folder), resources)

    return start
