"""A study is trained from the encoders that it began with: by content, under whatever name."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from core.model_files.encoder_content import EncoderContent
from data.errors import UserError
from search.preflight.study_inputs import StudyInputs
from search.recorded.encoders import check_same_encoders, recorded_encoders, with_recorded_names
from search.recorded.study import changed_settings, create_or_load
from search.study.file import load_study
from search.study.spec import StudySpec
from tests.search.study_texts import MINIMAL, write

ONE = EncoderContent("c", "w", "t", "commit")
OTHER = replace(ONE, weights="v")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "moved"):
        (tmp_path / name).mkdir()
    return tmp_path


def spec_of(folder: Path, encoder: str) -> StudySpec:
    return load_study(write(folder, MINIMAL, name="s"), model=encoder)


def begun(spec: StudySpec, content: EncoderContent | None, scored: bool = True) -> optuna.storages.InMemoryStorage:
    storage = optuna.storages.InMemoryStorage()
    study = create_or_load(
        spec, storage, StudyInputs(encoders={} if content is None else {spec.base.model.encoder: content})
    )
    if scored:
        study.tell(study.ask(), 0.5)
    return storage


def test_the_content_is_recorded(here: Path) -> None:
    spec = spec_of(here, "plain")
    (study,) = (optuna.load_study(study_name="s", storage=begun(spec, ONE)),)
    assert recorded_encoders(study.user_attrs) == {str(here / "plain"): ONE}
    assert json.loads(json.dumps(study.user_attrs["encoders"])) == {str(here / "plain"): ONE.to_json()}


def test_another_content_is_refused_as_other_data_are(here: Path) -> None:
    spec = spec_of(here, "plain")
    storage = begun(spec, ONE)
    with pytest.raises(UserError) as caught:
        create_or_load(spec, storage, StudyInputs(encoders={str(here / "plain"): replace(OTHER, tokenizer="x")}))
    assert str(caught.value) == (
        f"encoder '{here / 'plain'}' has changed (other weights and tokenizer) since study 's' began; start a new "
        "study with --name NEW, or undo the change"
    )
    create_or_load(spec, storage, StudyInputs(encoders={str(here / "plain"): replace(ONE, commit="a later one")}))
    create_or_load(spec, storage)  # an encoder that cannot be read now is not compared


def test_a_study_without_scores_begins_again(here: Path) -> None:
    spec = spec_of(here, "plain")
    study = create_or_load(spec, begun(spec, ONE, scored=False), StudyInputs(encoders={str(here / "plain"): OTHER}))
    assert recorded_encoders(study.user_attrs) == {str(here / "plain"): OTHER}


def test_the_same_content_in_another_folder_is_fine(here: Path) -> None:
    storage, moved = begun(spec_of(here, "plain"), ONE), spec_of(here, "moved")
    for _ in range(2):
        study = create_or_load(moved, storage, StudyInputs(encoders={str(here / "moved"): ONE}))
    assert set(recorded_encoders(study.user_attrs)) == {str(here / "plain"), str(here / "moved")}
    with pytest.raises(UserError, match=r"base\.model\.encoder: was .*plain, is now .*other"):
        (here / "other").mkdir()
        create_or_load(spec_of(here, "other"), storage, StudyInputs(encoders={str(here / "other"): OTHER}))


def test_a_study_of_before_is_recorded_from_now_on(here: Path) -> None:
    spec, now = spec_of(here, "plain"), {str(here / "plain"): ONE}
    storage = begun(spec, None)
    with pytest.warns(UserWarning, match=r"study 's' began before .* '.*plain' changed before now cannot be checked"):
        create_or_load(spec, storage, StudyInputs(encoders=now))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        create_or_load(spec, storage, StudyInputs(encoders=now))
    with pytest.raises(UserError, match=r"has changed \(other weights\) since"):
        create_or_load(spec, storage, StudyInputs(encoders={str(here / "plain"): OTHER}))


def test_a_study_with_a_relative_folder_goes_on_under_that_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As earlier versions recorded it: the digests of its trials contain the name."""
    spec = spec_of(here, "plain")
    old = replace(
        spec, base=spec.base.model_copy(update={"model": spec.base.model.model_copy(update={"encoder": "plain"})})
    )
    storage = begun(old, None)
    study = optuna.load_study(study_name="s", storage=storage)
    assert with_recorded_names(spec, json.loads(study.user_attrs["identity"])).base == old.base
    assert changed_settings(spec, study) == []
    monkeypatch.chdir(here / "moved")
    assert changed_settings(spec, study) == [f"base.model.encoder: was plain, is now {here / 'plain'}"]


def test_trials_are_trained_again_from_the_same_encoder_only() -> None:
    attrs = {"encoders": {"plain": ONE.to_json()}}
    check_same_encoders("s", attrs, {"plain": ONE, "another": OTHER})
    check_same_encoders("s", {}, {"plain": OTHER})
    with pytest.raises(UserError, match=r"encoder 'plain' has changed \(other weights\) since study 's' began, so new"):
        check_same_encoders("s", attrs, {"plain": OTHER})
