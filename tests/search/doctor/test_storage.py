"""The storage: how fast it is, and where it is."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from stub_study import SPEC

from data.errors import UserError
from search.doctor import storage
from search.doctor.storage import file_system, is_remote, storage_file
from search.recorded.study import create_or_load
from search.storage.open import open_storage


def test_a_storage_keeps_its_studies_and_gets_no_others(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    create_or_load(SPEC, open_storage(url, tmp_path))
    (check,) = storage.check_storage(url, tmp_path)
    assert "a write takes" in check.found
    assert optuna.get_all_study_names(open_storage(url, tmp_path)) == ["stub"]


def test_storages_that_do_not_exist(tmp_path: Path) -> None:
    (check,) = storage.check_storage(None, tmp_path / "a" / "b")
    assert check.state in ("ok", "warning")
    assert "studies.db, which does not exist yet" in check.found
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="is not a URL"):
        list(storage.check_storage("nonsense", tmp_path))
    with pytest.raises(UserError, match="cannot be opened"):
        list(storage.check_storage("postgresql://nobody@127.0.0.1:9/none", tmp_path))


@pytest.mark.parametrize(("kind", "limit", "state"), [
    ("nfs4", 1e6, "warning"),
    ("ext4", 1e6, "ok"),
    ("ext4", 0.0, "warning"),
])  # fmt: skip
def test_slow_and_remote_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, limit: float, state: str
) -> None:
    monkeypatch.setattr(storage, "file_system", lambda _: kind)
    monkeypatch.setattr(storage, "_write", lambda _: 12.0)
    monkeypatch.setattr(storage, "_SLOW_MS", limit)
    assert [check.state for check in storage.check_storage(f"sqlite:///{tmp_path}/s.db", tmp_path)] == [state]


def test_kinds_of_file_systems(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    space = tmp_path / "my disk"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n"
        f"host: {str(space).replace(' ', chr(92) + '040')} fuse.sshfs rw 0 0\n"
    )
    assert file_system(tmp_path / "runs" / "s.db", mounts) == "nfs4"
    assert file_system(space / "s.db", mounts) == "fuse.sshfs"
    assert file_system(Path("/elsewhere"), mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "none") == ""
    assert all(map(is_remote, ("nfs4", "nfs", "cifs", "fuse.sshfs", "9p")))
    assert not any(map(is_remote, ("ext4", "overlay", "tmpfs", "")))


def test_the_file_of_a_storage(tmp_path: Path) -> None:
    assert storage_file(None, tmp_path) == tmp_path / "studies.db"
    assert storage_file(f"sqlite:///{tmp_path}/s.db", tmp_path) == tmp_path / "s.db"
    assert storage_file("sqlite://", tmp_path) is None
    assert storage_file("postgresql://user@host/name", tmp_path) is None
