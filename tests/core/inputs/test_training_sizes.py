"""Training sets are counted as runs use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.inputs.training_sizes import training_sizes
from data.errors import UserError
from tests.core.conftest import MakeConfig


def test_sizes_are_those_of_a_run(small_config: MakeConfig, resources: Resources) -> None:
    """With a limit, with further examples next to the task's own, and with those alone."""
    values = small_config().model_dump()
    for name, limit in (("sst", 50), ("para", 100), ("sts", 70)):
        values["tasks"][name]["train_limit"] = limit
        file = values["tasks"][name]["spec"]["files"]["train"]
        if name != "sst":
            values["augmentation"][name] |= {"extra": {"path": file, "fraction": 0.5}, "original": name == "para"}
    config = RunConfig.model_validate(values)
    found = training_sizes(config, Path("no answers"))
    assert found == {name: len(data.train) for name, data in resources.task_data(config).items()}
    assert found["sst"] == 50
    assert found["para"] > 100
    assert training_sizes(small_config(), Path("no answers")) == dict.fromkeys(("sst", "para", "sts"), 240)


def test_a_missing_file_is_the_users(small_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no data folder|no train file"):
        training_sizes(small_config(data={"directory": str(tmp_path)}), Path("no answers"))
