"""All checks of a study file, in order."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.search.doctor.examined import examined


def test_a_device_that_this_machine_lacks(tiny_study: str, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    check = examined(tiny_study, tmp_path, ('device = "cpu"', 'device = "cuda"'))["device"]
    assert (check.state, "'cuda' is not available" in check.found) == ("wrong", True)


def test_a_mistake_in_the_study_file_has_its_line(tiny_study: str, tmp_path: Path) -> None:
    checks = examined(tiny_study, tmp_path, ("learning_rate = 1e-3", "learning_rat = 1e-3"))
    assert checks["study"].state == "wrong"
    assert "tiny.toml:21: base.optim.learning_rat" in checks["study"].found
    assert "model" not in checks
    assert checks["disk"].state == "ok"


def test_data_and_encoder_that_are_missing(tiny_study: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    checks = examined(tiny_study, tmp_path, data=tmp_path / "data", model=str(tmp_path / "no" / "model"))
    assert "ids-sst-train.csv" in checks["data"].found
    assert "no such folder" in checks["model"].found
    assert {checks["data"].state, checks["model"].state} == {"wrong"}
