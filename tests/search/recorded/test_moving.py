"""A study that is moved aside keeps its trials and its folder, wherever the process is killed."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import create_trial
from stub_study import SPEC

from data.errors import MachineError, UserError
from search.recorded import moving
from search.recorded.moving import finish_moves, move_aside
from search.recorded.study import create_or_load
from search.storage.file_lease import file_lease
from search.storage.open import open_storage
from search.storage.rdb import DatabaseStorage
from search.storage.retrying_storage import RetryingStorage
from search.storage.storage_lease import StorageLease


class KilledError(BaseException):
    """What SIGKILL is to a process: nothing after it is done."""


@pytest.fixture
def storage(tmp_path: Path) -> DatabaseStorage:
    """Return a storage with a study of one trial, which has a folder, and with its neighbour ``stub-2``."""
    opened = open_storage(None, tmp_path)
    create_or_load(SPEC, opened).add_trial(create_trial(value=0.5))
    optuna.create_study(study_name="stub-2", storage=opened)
    (tmp_path / "stub" / "trial-0000").mkdir(parents=True)
    return opened


def names(folder: Path) -> list[str]:
    """Return the names of studies in a new connection, and check that no other connection remembers old ones."""
    return sorted(optuna.get_all_study_names(open_storage(None, folder)))


def test_a_study_and_its_folder_get_another_name(storage: DatabaseStorage, tmp_path: Path) -> None:
    before = optuna.load_study(study_name="stub", storage=storage)
    moved = move_aside("stub", storage, tmp_path)
    assert moved is not None
    assert moved.startswith("stub-20")
    assert names(tmp_path) == ["stub-2", moved]
    assert sorted(path.name for path in tmp_path.iterdir()) == [moved, "studies.db"]
    assert sorted(path.name for path in (tmp_path / moved).iterdir()) == ["driver.lock", "trial-0000"]
    after = optuna.load_study(study_name=moved, storage=storage)
    assert (after.study_name, after.user_attrs) == (moved, before.user_attrs)
    assert [trial.state for trial in after.trials] == [trial.state for trial in before.trials]
    assert move_aside("stub", storage, tmp_path) is None
    # Another one at the same second.
    create_or_load(SPEC, storage)
    again = move_aside("stub", storage, tmp_path)
    assert again not in (None, moved)
    assert names(tmp_path) == sorted(["stub-2", moved, str(again)])


@pytest.mark.parametrize("start", ["stub", "moved"])
@pytest.mark.parametrize("last", ["_move_folder", "_forget"])
def test_a_process_that_is_killed(
    last: str, start: str, storage: DatabaseStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start under either name finishes, and then a folder of the old name is left alone."""

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as context:
        context.setattr(moving, last, killed)
        with pytest.raises(KilledError):
            move_aside("stub", storage, tmp_path)
    (moved,) = set(names(tmp_path)) - {"stub-2"}
    assert (tmp_path / "stub").exists() == (last == "_move_folder")
    for _ in range(2):
        finish_moves("stub" if start == "stub" else moved, open_storage(None, tmp_path), tmp_path)
        assert (tmp_path / moved / "trial-0000").is_dir()
        assert not (tmp_path / "stub" / "trial-0000").exists()
        (tmp_path / "stub").mkdir(exist_ok=True)
    assert (tmp_path / "stub").is_dir()


def test_a_running_study_is_not_moved(storage: DatabaseStorage, tmp_path: Path) -> None:
    with file_lease(tmp_path / "stub", "stub"), pytest.raises(UserError, match="'stub' is already being run by"):
        move_aside("stub", storage, tmp_path)
    assert names(tmp_path) == ["stub", "stub-2"]


def test_the_lease_does_not_move_along(storage: DatabaseStorage, tmp_path: Path) -> None:
    moved = str(move_aside("stub", storage, tmp_path))
    study = optuna.load_study(study_name=moved, storage=storage)
    with StorageLease(moved, RetryingStorage(storage)) as lease:
        lease.take(study)
        assert lease.due_seconds is not None


def test_a_folder_that_cannot_be_renamed(
    storage: DatabaseStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", refuse)
        with pytest.raises(MachineError, match=r"^cannot rename '.*stub' to '.*': Permission denied; fix this, then"):
            move_aside("stub", storage, tmp_path)
    finish_moves("stub", storage, tmp_path)
    assert not (tmp_path / "stub").exists()
