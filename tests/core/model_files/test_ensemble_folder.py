"""The folder of several models: shares come back by folder, and damage is one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.inputs.resources import Resources
from core.model_files.ensemble_folder import load_shares, save_ensemble_folder
from core.model_files.model_folder import ENSEMBLE, MEMBERS, TrainedModel, save_model_folder
from core.trainer import TrainingRun
from data.errors import UserError

SHARES = {"sst": {"trial-0001": 0.25, "trial-0002": 0.75}, "para": {"trial-0002": 1.0}}


@pytest.fixture
def model(run: TrainingRun, resources: Resources) -> TrainedModel:
    return TrainedModel(run.model, run.config, resources.encoder(run.config).tokenizer)


def test_shares_come_back_by_the_folders_of_the_members(model: TrainedModel, tmp_path: Path) -> None:
    folder = tmp_path / "ensemble"
    members = [(name, model, {"name": name}) for name in ("trial-0001", "trial-0002")]
    save_ensemble_folder(folder, members, SHARES, {"study": "s"})
    one, two = folder / MEMBERS / "trial-0001", folder / MEMBERS / "trial-0002"
    assert load_shares(folder) == {"sst": {one: 0.25, two: 0.75}, "para": {two: 1.0}}
    assert json.loads((folder / ENSEMBLE).read_text())["study"] == "s"
    assert json.loads((two / "provenance.json").read_text()) == {"name": "trial-0002"}


def test_other_shares_than_the_exported_ones_are_refused(model: TrainedModel, tmp_path: Path) -> None:
    save_ensemble_folder(tmp_path, [(name, model, {}) for name in ("trial-0001", "trial-0002")], SHARES, {})
    (tmp_path / ENSEMBLE).write_text((tmp_path / ENSEMBLE).read_text().replace("0.25", "NaN"))
    with pytest.raises(UserError, match=r"ensemble\.json: the file is damaged or was changed.*; export it again$"):
        load_shares(tmp_path)


def test_nothing_of_an_earlier_export_stays(model: TrainedModel, tmp_path: Path) -> None:
    folder = tmp_path / "ensemble"
    save_model_folder(folder, model, {})
    save_ensemble_folder(folder, [("old", model, {})], {"sst": {"old": 1.0}}, {})
    assert not (folder / "run_config.json").exists()
    save_ensemble_folder(folder, [("new", model, {})], {"sst": {"new": 1.0}}, {})
    assert [path.name for path in (folder / MEMBERS).iterdir()] == ["new"]


def test_it_cannot_be_loaded_before_all_members_are_written(tmp_path: Path, model: TrainedModel) -> None:
    with pytest.raises(KeyboardInterrupt):
        save_ensemble_folder(tmp_path / "new", interrupted(model), SHARES, {})
    assert (tmp_path / "new" / MEMBERS / "trial-0001").is_dir()
    with pytest.raises(UserError, match=r"no run_config\.json; give a folder written by search\.export"):
        load_shares(tmp_path / "new")


def interrupted(model: TrainedModel) -> Iterator[tuple[str, TrainedModel, dict[str, Any]]]:
    yield "trial-0001", model, {}
    raise KeyboardInterrupt


def test_a_single_model_is_its_own_only_member(model: TrainedModel, tmp_path: Path) -> None:
    save_model_folder(tmp_path / "model", model, {})
    assert load_shares(tmp_path / "model") == {task: {tmp_path / "model": 1.0} for task in ("sst", "para", "sts")}


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"shares": {"sst": 1}}', '{"shares": {"sst": {"a": "x"}}}'])
def test_a_damaged_record_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / ENSEMBLE).write_text(content)
    with pytest.raises(UserError, match=r"ensemble\.json: cannot read the ensemble \(.+\); export it again$"):
        load_shares(tmp_path)
