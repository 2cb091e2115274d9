"""A study's folder: whose trials it holds, and that no driver takes, or deletes, those of another study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import optuna
import pytest
from stub_study import BASE

from core.config import RunConfig
from data.errors import MachineError, UserError
from search.recorded import study_folder
from search.recorded.study_folder import (
    STUDY_ID,
    announce_restart,
    check_folder,
    claim_folder,
    is_own_folder,
    open_folders,
)
from search.trials.folder_owner import OWNER, FolderOwner, read_owner, write_owner
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG


class Killed(BaseException):
    pass


@pytest.fixture
def folders(tmp_path: Path) -> TrialFolders:
    return TrialFolders(tmp_path / "runs" / "s")


def new_study(storage: optuna.storages.BaseStorage | None = None, name: str = "s") -> optuna.Study:
    return optuna.create_study(storage=storage, study_name=name, direction="maximize")


def train(study: optuna.Study, folders: TrialFolders, config: RunConfig = BASE) -> int:
    """What a driver and its worker do of a trial."""
    trial = study.ask()
    TrialFolders(folders.root, study.user_attrs.get(STUDY_ID)).begin(trial.number, config)
    trial.set_user_attr(CONFIG, config.canonical_json())
    folders.run(trial.number).metrics.write_text("")
    study.tell(trial, 0.5)
    return trial.number


def test_a_claimed_folder_is_the_studys_and_stays_so(folders: TrialFolders) -> None:
    study = new_study()
    own = claim_folder(study, folders)
    assert study.user_attrs[STUDY_ID] == own == json.loads((folders.root / OWNER).read_text())["id"]
    number = train(study, folders)
    assert read_owner(folders.path(number)) == FolderOwner(own)
    assert claim_folder(study, folders) == own
    assert open_folders(study, folders.root.parent) == folders


def test_a_copied_storage_has_the_same_folder(folders: TrialFolders) -> None:
    first, second = optuna.storages.InMemoryStorage(), optuna.storages.InMemoryStorage()
    study = new_study(first)
    claim_folder(study, folders)
    train(study, folders)
    optuna.copy_study(from_study_name="s", from_storage=first, to_storage=second)
    copy = optuna.load_study(study_name="s", storage=second)
    assert is_own_folder(copy, folders)
    claim_folder(copy, folders)
    train(study, folders)
    with pytest.raises(UserError, match=r"has results of trials that the storage does not have \(trial-0001\)"):
        claim_folder(copy, folders)


def test_another_studys_folder_is_refused(folders: TrialFolders) -> None:
    """Of another storage, or of one that was deleted and created again."""
    study, other = new_study(), new_study()
    claim_folder(study, folders)
    claim_folder(other, folders)  # there is no trial yet
    with pytest.raises(UserError) as caught:
        open_folders(study, folders.root.parent)
    assert str(caught.value) == (
        f"'{folders.root}' belongs to another study 's', of another storage or deleted since; use that study's "
        "--storage, another --runs-dir, or another --name, or move the folder 's' away"
    )
    train(other, folders)
    for mine in (study, None):
        with pytest.raises(UserError, match="belongs to another study 's'"):
            check_folder("s", mine, folders)
    with pytest.raises(UserError, match="belongs to another study"):
        claim_folder(study, folders)
    assert read_owner(folders.root) == FolderOwner(other.user_attrs[STUDY_ID])


def test_a_folder_without_an_id_belongs_to_the_study_with_its_trials(folders: TrialFolders) -> None:
    """As studies of earlier versions have them. A folder that a killed driver left does not count."""
    study = new_study()
    train(study, folders)
    folders.begin(7, BASE)
    newer = BASE.model_dump(mode="json") | {"seed": 1}
    other = new_study()
    train(other, TrialFolders(folders.root.parent / "x"), RunConfig.model_validate(newer))
    for unknowing in (None, new_study(), other):
        with pytest.raises(UserError, match=r"has results of trials that the storage does not have \(trial-0000\)"):
            check_folder("s", unknowing, folders)
    with pytest.warns(UserWarning, match=r"recorded by an earlier version, without an id and checksums"):
        open_folders(study, folders.root.parent)
    own = claim_folder(study, folders)
    assert read_owner(folders.root) == FolderOwner(own)


@pytest.mark.parametrize("before", [1, 2])
def test_a_kill_while_a_folder_is_claimed(folders: TrialFolders, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    study, writes = new_study(), 0

    def killed(folder: Path, owner: FolderOwner) -> None:
        nonlocal writes
        writes += 1
        if writes == before:
            raise Killed
        write_owner(folder, owner)

    monkeypatch.setattr(study_folder, "write_owner", killed)
    with pytest.raises(Killed):
        for _ in range(2):
            claim_folder(study, folders)
            folders.root.joinpath(OWNER).unlink()  # as if the power had been cut before it reached the disk
            train(study, folders)
    own = claim_folder(study, folders)
    assert study.user_attrs[STUDY_ID] == own
    assert read_owner(folders.root) == FolderOwner(own)


@pytest.mark.parametrize("kept", [True, False])
def test_a_restart_keeps_the_id_even_if_the_driver_is_killed_in_it(folders: TrialFolders, kept: bool) -> None:
    """With and without the study in the storage, when the next driver comes."""
    study = new_study()
    own = claim_folder(study, folders)
    train(study, folders)
    announce_restart(study, folders)
    study = study if kept else new_study()
    assert is_own_folder(study, folders)
    check_folder("s", study, folders)
    assert claim_folder(study, folders) == own
    assert [path.name for path in folders.root.iterdir()] == [OWNER]
    train(study, folders) if not kept else None
    assert is_own_folder(study, folders)


def test_a_damaged_record_is_not_taken_for_none(folders: TrialFolders) -> None:
    study = new_study()
    own = claim_folder(study, folders)
    train(study, folders)
    (folders.root / OWNER).write_text("{")
    with pytest.raises(UserError, match=r"study\.json: cannot be read .*; delete it"):
        claim_folder(study, folders)
    (folders.root / OWNER).unlink()
    assert claim_folder(study, folders) == own


def test_a_record_that_cannot_be_read_is_the_machines_fault(folders: TrialFolders) -> None:
    (folders.root / OWNER).mkdir(parents=True)
    with pytest.raises(MachineError, match=r"study\.json: cannot be read: Is a directory"):
        claim_folder(new_study(), folders)


def test_a_moved_folder_is_no_longer_in_the_way(folders: TrialFolders) -> None:
    study, other = new_study(), new_study()
    claim_folder(other, folders)
    train(other, folders)
    shutil.move(folders.root, folders.root.with_name("old"))
    claim_folder(study, folders)
