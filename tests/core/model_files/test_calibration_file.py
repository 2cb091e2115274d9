"""calibration.json in the folders of models and ensembles: read as written, damaged, gone, and of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.model_files.calibration_file import CALIBRATION, load_calibration
from core.model_files.ensemble_folder import save_ensemble_folder
from core.model_files.model_folder import load_model_folder, remove_model, save_model_folder
from core.run.checksums import Checksums
from core.statistics import TaskCalibration, calibrate_task
from data.errors import UserError
from tests.core.statistics.test_temperature import drawn
from tests.search.predict.conftest import SPECS, MakeModel, make_model, tokenizer

__all__ = ["make_model", "tokenizer"]


@pytest.fixture(scope="module")
def calibrations() -> dict[str, TaskCalibration]:
    probabilities, gold = drawn(200, 2.0, np.random.default_rng(0))
    small = drawn(20, 1.0, np.random.default_rng(0), classes=5)
    return {"tone": calibrate_task(SPECS["tone"], probabilities, gold), "sst": calibrate_task(SPECS["sst"], *small)}


def test_it_is_read_as_it_was_written(
    make_model: MakeModel, tmp_path: Path, calibrations: dict[str, TaskCalibration]
) -> None:
    provenance = {"study": "s", "trial": 3, "data_sha256": "abc", "seed": 4}
    save_model_folder(tmp_path / "m", make_model("sst", "tone"), provenance, calibrations)
    assert load_calibration(tmp_path / "m") == calibrations
    stored = json.loads((tmp_path / "m" / CALIBRATION).read_text())
    assert stored["made_from"] == {"study": "s", "trial": 3, "data_sha256": "abc"}
    assert stored["tasks"]["tone"]["temperature"] == calibrations["tone"].temperature != 1.0
    members = [("a", make_model("sst", "tone"), {}), ("b", make_model("sst", "tone", seed=1), {})]
    shares = {task: {"a": 0.5, "b": 0.5} for task in ("sst", "tone")}
    save_ensemble_folder(tmp_path / "e", members, shares, provenance, calibrations)
    assert load_calibration(tmp_path / "e") == calibrations
    assert not (tmp_path / "e" / "members" / "a" / CALIBRATION).exists()


def test_a_later_export_leaves_none_of_an_earlier_one(
    make_model: MakeModel, tmp_path: Path, calibrations: dict[str, TaskCalibration]
) -> None:
    save_model_folder(tmp_path, make_model("sst", "tone"), {}, calibrations)
    save_model_folder(tmp_path, make_model("sst"), {})
    assert load_calibration(tmp_path) == {}
    save_ensemble_folder(tmp_path, [("a", make_model("tone"), {})], {"tone": {"a": 1.0}}, {}, calibrations)
    remove_model(tmp_path)
    assert not tmp_path.exists()


@pytest.mark.parametrize("kind", ["model", "ensemble"])
def test_damage_is_found(
    make_model: MakeModel, tmp_path: Path, calibrations: dict[str, TaskCalibration], kind: str
) -> None:
    model = make_model("sst", "tone")
    if kind == "model":
        save_model_folder(tmp_path, model, {}, calibrations)
    else:
        save_ensemble_folder(tmp_path, [("a", model, {})], {"tone": {"a": 1.0}}, {}, calibrations)
    path = tmp_path / CALIBRATION
    path.write_text(path.read_text().replace('"temperature": ', '"temperature": 1'))
    with pytest.raises(UserError, match=r"calibration\.json: the file is damaged or was changed"):
        load_calibration(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match=r"calibration\.json: the file is missing; export the model again"):
        load_calibration(tmp_path)
    if kind == "model":
        with pytest.raises(UserError, match="the file is missing"):
            load_model_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"calibration\.json: Invalid JSON.*; export the model again"),
        ('{"made_from": {}, "tasks": {"tone": {}}}', r"calibration\.json: tasks\.tone\.temperature: Field required"),
        ("temperature", r"calibration\.json: the temperature of 'tone' must be above 0, not -2"),
    ],
)
def test_a_file_that_says_something_else(
    tmp_path: Path, calibrations: dict[str, TaskCalibration], content: str, message: str
) -> None:
    """Without checksums; with them, they are what finds the change."""
    if content == "temperature":
        one = json.loads(json.dumps(calibrations["tone"], default=vars)) | {"temperature": -2}
        content = json.dumps({"made_from": {}, "tasks": {"tone": one}})
    (tmp_path / CALIBRATION).write_text(content)
    assert not Checksums(tmp_path).files()
    with pytest.raises(UserError, match=message) as refused:
        load_calibration(tmp_path)
    assert "\n" not in str(refused.value)
