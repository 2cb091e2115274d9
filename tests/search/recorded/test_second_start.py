"""Which recorded studies are continued, refused, moved aside or replaced when a changed one begins."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from stub_study import SPEC, changed

from data.errors import UserError
from search.preflight.study_inputs import UNKNOWN_INPUTS, StudyInputs
from search.recorded.second_start import SecondStart, has_work
from search.recorded.study import create_or_load
from search.storage.file_lease import LeaseHolder, _started, file_lease
from search.storage.open import open_storage
from search.storage.optuna_internals import study_id
from search.storage.storage_lease import KEY, StorageLease
from search.trials.folder_owner import FolderOwner, write_owner
from search.trials.record import CONFIG

OTHER = changed(seed=4)
DATA, OTHER_DATA = StudyInputs("data"), StudyInputs("other data")


def recorded(folder: Path, *states: TrialState, value: float = 0.5) -> optuna.Study:
    study = create_or_load(changed(first_trials=()), open_storage(None, folder), DATA)
    for number, state in enumerate(states):
        value_of = value if state == TrialState.COMPLETE else None
        study.add_trial(create_trial(state=state, value=value_of, user_attrs={CONFIG: SPEC.base.canonical_json()}))
        (folder / "stub" / f"trial-{number:04d}").mkdir(parents=True)
    return study


def names(folder: Path) -> list[str]:
    return sorted(optuna.get_all_study_names(open_storage(None, folder)))


def test_nothing_is_created_where_nothing_is_recorded(tmp_path: Path) -> None:
    for start in (SecondStart(None, tmp_path / "runs"), SecondStart(None, tmp_path / "runs", restart=True)):
        start.check(SPEC)
        assert start.make_room(SPEC) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_a_study_with_finished_trials(state: TrialState, tmp_path: Path) -> None:
    recorded(tmp_path, state)
    start = SecondStart(None, tmp_path)
    start.check(SPEC, DATA)
    with pytest.raises(UserError, match=r"other settings: seed: was 3, is now 4\. To search these, start a new study"):
        start.check(OTHER)
    with pytest.raises(UserError, match="have changed since study 'stub' began; run with --restart, which moves the "):
        SecondStart(None, tmp_path, restart=False).check(SPEC, OTHER_DATA)
    assert start.make_room(OTHER) is None  # it was refused
    assert names(tmp_path) == ["stub"]


def test_restart_moves_it_aside(tmp_path: Path) -> None:
    recorded(tmp_path, TrialState.COMPLETE)
    start = SecondStart(None, tmp_path, restart=True)
    start.check(OTHER, OTHER_DATA)
    line = start.make_room(OTHER, OTHER_DATA)
    (moved,) = names(tmp_path)
    assert line == f"study 'stub' is now called '{moved}'; its folder is '{tmp_path / moved}'"
    assert (tmp_path / moved / "trial-0000").is_dir()
    assert start.make_room(OTHER, OTHER_DATA) is None


def test_a_study_whose_trials_all_failed_is_moved_aside_if_it_changes(tmp_path: Path) -> None:
    recorded(tmp_path, TrialState.FAIL)
    start = SecondStart(None, tmp_path)
    start.check(SPEC, DATA)
    assert start.make_room(SPEC, DATA) is None  # it is continued
    start.check(OTHER, DATA)
    line = start.make_room(OTHER, DATA)
    (moved,) = names(tmp_path)
    assert (
        line == f"study 'stub' had no finished trial, and is now called '{moved}'; its folder is '{tmp_path / moved}'"
    )


@pytest.mark.parametrize("inputs", [UNKNOWN_INPUTS, OTHER_DATA])
def test_a_study_without_an_ended_trial_is_replaced_if_it_changes(inputs: StudyInputs, tmp_path: Path) -> None:
    recorded(tmp_path, TrialState.RUNNING, TrialState.WAITING)
    (tmp_path / "stub" / "notes.txt").write_text("of the user")
    start, spec = SecondStart(None, tmp_path), SPEC if inputs is OTHER_DATA else OTHER
    start.check(spec, inputs)
    assert start.make_room(SPEC, DATA) is None
    assert start.make_room(spec, inputs) == "study 'stub' had no finished trial; it begins again with what has changed"
    assert names(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / "stub").iterdir()) == ["driver.lock", "notes.txt"]


def test_work_that_another_driver_finishes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It had none when this start looked, and the other driver has ended before this one holds the study."""
    study, take = recorded(tmp_path), StorageLease.take

    def take_late(lease: StorageLease, of: optuna.Study) -> None:
        study.add_trial(create_trial(state=TrialState.COMPLETE, value=0.5))
        (tmp_path / "stub" / "trial-0000").mkdir(parents=True)
        take(lease, of)

    monkeypatch.setattr(StorageLease, "take", take_late)
    assert SecondStart(None, tmp_path).make_room(OTHER, DATA) is None
    assert names(tmp_path) == ["stub"]
    assert (tmp_path / "stub" / "trial-0000").is_dir()


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize("restart", [True, False])
def test_a_folder_of_another_study_is_left_alone(is_recorded: bool, restart: bool, tmp_path: Path) -> None:
    """Of another storage, or of a database that was lost: the folder would be deleted, or moved with this study."""
    if is_recorded:
        recorded(tmp_path, TrialState.RUNNING)
    results = tmp_path / "stub" / "trial-0000" / "metrics.jsonl"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text("")
    write_owner(tmp_path / "stub", FolderOwner("another"))
    with pytest.raises(UserError, match="belongs to another study 'stub', of another storage or deleted since; use "):
        SecondStart(None, tmp_path, restart=restart).check(OTHER)
    assert results.exists()


@pytest.mark.parametrize("place", ["", "fold-0"])
def test_a_running_trial_with_a_score_or_a_checkpoint_is_work(place: str, tmp_path: Path) -> None:
    study = recorded(tmp_path, TrialState.RUNNING)
    assert not has_work(study, tmp_path / "stub")
    checkpoint = tmp_path / "stub" / "trial-0000" / place / "checkpoint.pt"
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.write_text("")
    with pytest.raises(UserError, match="started with other settings"):
        SecondStart(None, tmp_path).check(OTHER)
    checkpoint.unlink()
    study.add_trial(create_trial(state=TrialState.RUNNING, intermediate_values={10: 0.5}))
    assert has_work(study, tmp_path / "stub")


@pytest.mark.parametrize("restart", [None, True])
def test_a_study_that_runs_is_refused_at_once(restart: bool | None, tmp_path: Path) -> None:
    study = recorded(tmp_path)
    start = SecondStart(None, tmp_path, restart)
    with file_lease(tmp_path / "stub", "stub"), pytest.raises(UserError, match="is already being run by process"):
        start.check(OTHER)
    holder = LeaseHolder.this_process()
    study._storage.set_study_system_attr(study_id(study), KEY, {**holder.stored(), "pid": 1, "started": ""})
    start.check(SPEC, DATA)  # nobody can say from here whether it lives; the driver watches it
    alive = {**holder.stored(), "pid": 1, "started": _started(1)}
    study._storage.set_study_system_attr(study_id(study), KEY, alive)
    with pytest.raises(UserError, match="is already being run by process 1 on"):
        start.check(OTHER)


def test_a_study_of_another_program_is_refused(tmp_path: Path) -> None:
    optuna.create_study(study_name="stub", storage=open_storage(None, tmp_path)).add_trial(create_trial(value=1.0))
    with pytest.raises(UserError, match="contains a study 'stub' of another program"):
        SecondStart(None, tmp_path, restart=True).check(SPEC)
