"""Folders that a study names are absolute, wherever they are named; Hub names stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.study.encoder_names import (
    absolute_encoder,
    named_encoders,
    recorded_names,
    with_encoder_names,
    with_moved_encoders,
)
from search.study.file import load_study
from tests.search.study_texts import write

SEARCH = """\
tasks = ["sst"]
trials = 12
[base.model]
encoder = "plain"
[first.other.model]
encoder = "other"
[space]
"model.encoder" = ["plain", "other", "bert-base-cased"]
"model.freeze_layers" = { low = 0, high = 2, when = { "model.encoder" = ["plain"] } }
"""
VARIANTS = """\
tasks = ["sst"]
seeds = [0, 1]
[base.model]
max_length = 32
[variants.a.model]
encoder = "plain"
[variants.b.model]
encoder = "bert-base-cased"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "other", "scratch", "minilm"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["scratch", "minilm", "bert-base-cased", "google/bert_uncased_L-2_H-128_A-2", "./no"])
@pytest.mark.usefixtures("here")
def test_other_names_stay(name: str) -> None:
    assert absolute_encoder(name) == name


@pytest.mark.parametrize("name", ["plain", "./plain", "plain/", "other/../plain", "{here}/plain"])
def test_folders_become_absolute(here: Path, name: str) -> None:
    assert absolute_encoder(name.format(here=here)) == str(here / "plain")


def test_a_search(here: Path) -> None:
    plain, other = str(here / "plain"), str(here / "other")
    spec = load_study(write(here, SEARCH))
    assert spec.base.model.encoder == plain
    assert named_encoders(spec) == [plain, other, "bert-base-cased"]
    assert spec.space.to_json()["model.encoder"] == {"choices": [plain, other, "bert-base-cased"]}
    assert spec.space.to_json()["model.freeze_layers"]["when"] == {"model.encoder": [plain]}
    assert [trial.params["model.encoder"] for trial in spec.first_trials] == [plain, other]
    back = with_encoder_names(spec, {plain: "plain", other: "other"})
    assert named_encoders(back) == ["plain", "other", "bert-base-cased"]
    assert recorded_names(json.loads(json.dumps(back.identity()))) == ["plain", "other", "bert-base-cased"]


def test_the_data_folder_of_the_option_becomes_absolute_too(here: Path) -> None:
    assert load_study(write(here, SEARCH), data="other").base.data.directory == str(here / "other")
    assert load_study(write(here, SEARCH), data="nowhere").base.data.directory == "nowhere"


def test_the_option_and_variants(here: Path) -> None:
    assert load_study(write(here, SEARCH), model="other").base.model.encoder == str(here / "other")
    spec = load_study(write(here, VARIANTS))
    assert named_encoders(spec) == [str(here / "plain"), "bert-base-cased"]
    moved = with_moved_encoders(spec.identity(), {str(here / "plain"): "/moved"})
    assert recorded_names(moved) == ["/moved", "bert-base-cased"]
    assert recorded_names(spec.identity())[0] == str(here / "plain")


def test_choices_keep_their_names_when_an_encoder_has_moved(here: Path) -> None:
    """The values of recorded trials refer to them."""
    spec = load_study(write(here, SEARCH))
    moved = with_moved_encoders(spec.identity(), {str(here / "plain"): "/moved"})
    assert moved["base"]["model"]["encoder"] == "/moved"
    assert moved["space"] == spec.space.to_json()
