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
from search.recorded.encoders import (
    check_same_encoders,
    present_folders,
    recorded_encoders,
    with_one_name,
    with_recorded_names,
)
from search.recorded.study import changed_settings, create_or_load, named_as_recorded
from search.study.encoder_names import with_present_encoder
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


def choosing(folder: Path, *encoders: str) -> StudySpec:
    """Return a study that chooses between encoders, with the base's first."""
    space = f'[space]\n"model.encoder" = {json.dumps(encoders)}\n'
    text = MINIMAL[: MINIMAL.index("[space]")] + space
    return load_study(write(folder, text, name="s"), model=encoders[0])


def test_an_encoder_to_choose_may_move(here: Path) -> None:
    """Recorded trials keep the name that they chose; new ones are trained from the present folder."""
    (here / "other").mkdir()
    spec = choosing(here, "other", "plain")
    then, now = str(here / "plain"), str(here / "moved")
    storage = optuna.storages.InMemoryStorage()
    study = create_or_load(spec, storage, StudyInputs(encoders={str(here / "other"): OTHER, then: ONE}))
    study.tell(study.ask(), 0.5)
    (here / "plain").rmdir()
    moved, inputs = choosing(here, "other", "moved"), StudyInputs(encoders={str(here / "other"): OTHER, now: ONE})
    assert changed_settings(moved, study, inputs) == []
    named = named_as_recorded(moved, storage, inputs)
    assert named.space.to_json() == spec.space.to_json()
    assert [trial.params for trial in named.first_trials] == [trial.params for trial in spec.first_trials]
    assert named.encoder_folders == {then: now}
    create_or_load(named, storage, inputs)
    assert set(recorded_encoders(study.user_attrs)) == {str(here / "other"), then, now}
    chosen = spec.base.model_copy(update={"model": spec.base.model.model_copy(update={"encoder": then})})
    assert with_present_encoder(chosen, named.encoder_folders).model.encoder == now
    assert with_present_encoder(spec.base, named.encoder_folders) is spec.base
    for changed in (OTHER, replace(ONE, tokenizer="x")):
        other = StudyInputs(encoders={str(here / "other"): OTHER, now: changed})
        assert len(changed_settings(moved, study, other)) == 1
        with pytest.raises(UserError, match=r"encoder '.*plain' is no longer there: if it has moved, name its new fo"):
            create_or_load(moved, storage, other)


def test_encoders_of_runs_that_are_trained_again_are_found_by_content(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"plain": ONE, "moved": ONE, "new": ONE, "another": OTHER}
    monkeypatch.setattr(EncoderContent, "read", lambda folder: contents[folder.name])
    (here / "new").mkdir()
    attrs = {"encoders": {"/gone/plain": ONE.to_json(), "/gone/too": OTHER.to_json()}}
    assert present_folders("s", attrs, ["/gone/plain", "/gone/too"], ["new"]) == {"/gone/plain": str(here / "new")}
    assert present_folders("s", attrs, [str(here / "plain")], ["new"]) == {}
    again = {"encoders": {"/elsewhere/plain": ONE.to_json()}}
    assert present_folders("s", attrs, ["/gone/plain"], [], again) == {"/gone/plain": "/elsewhere/plain"}
    gone_on = {"encoders": {**attrs["encoders"], str(here / "moved"): ONE.to_json()}}
    assert present_folders("s", gone_on, ["/gone/plain", "scratch"], [], again) == {"/gone/plain": str(here / "moved")}
    with pytest.raises(UserError, match=r"^--model .*another: none of the encoders of study 's' has this content; it "):
        present_folders("s", {"encoders": {"/gone/plain": ONE.to_json()}}, ["/gone/plain"], ["another"])
    with pytest.warns(UserWarning, match="'s' began before the content of encoders was recorded: whether '.*new' is "):
        assert present_folders("s", {}, ["/gone/plain"], ["new"]) == {"/gone/plain": str(here / "new")}


def test_runs_of_an_encoder_under_two_names_are_equal(here: Path) -> None:
    attrs = {"encoders": {str(here / "plain"): ONE.to_json()}}
    later = {
        "encoders": {str(here / "other"): OTHER.to_json(), str(here / "moved"): replace(ONE, commit="x").to_json()}
    }
    run = spec_of(here, "moved").base
    assert with_one_name(run, attrs, later).model.encoder == str(here / "plain")
    assert with_one_name(run, later) == with_one_name(run, attrs) == with_one_name(run) == run
