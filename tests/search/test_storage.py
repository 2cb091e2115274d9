"""Storages by URL, and what is said when they cannot be opened."""

import sqlite3
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage

from data.errors import UserError
from search.storage import describe_storage, open_storage


def test_sqlite_in_the_runs_folder_by_default(tmp_path: Path) -> None:
    runs = tmp_path / "new" / "runs"
    optuna.create_study(study_name="s", storage=open_storage(None, runs))
    assert (runs / "studies.db").exists()
    assert optuna.get_all_study_names(open_storage(f"sqlite:///{runs}/studies.db", tmp_path)) == ["s"]
    assert describe_storage(None, runs) == f"sqlite:///{runs}/studies.db"


def test_a_busy_database_is_waited_for(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    assert storage._backend.engine.url.database == str(tmp_path / "studies.db")
    with storage._backend.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000  # milliseconds


def test_a_journal_file(tmp_path: Path) -> None:
    path = str(tmp_path / "studies.log")
    storage = open_storage(path, tmp_path)
    assert isinstance(storage, JournalStorage)
    optuna.create_study(study_name="s", storage=storage)
    assert optuna.get_all_study_names(open_storage(path, tmp_path)) == ["s"]
    assert describe_storage(path, tmp_path) == path


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_missing_driver_names_the_extra_and_hides_the_password(
    tmp_path: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UserError, match=r"needs a database driver .*: pip install 'psycopg\[binary\]'") as caught:
        open_storage(f"{scheme}://me:secret@localhost/studies", tmp_path)
    assert "secret" not in str(caught.value)
    assert "me:***@localhost" in str(caught.value)
    assert "secret" not in describe_storage(f"{scheme}://me:secret@localhost/studies", tmp_path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "sqlite:////no/such/folder/s.db",
            "sqlite:////no/such/folder/s.db cannot be opened: unable to open database file",
        ),
        ("/no/such/folder/s.log", "journal file /no/such/folder/s.log: No such file or directory"),
        ("studies", "storage 'studies' is neither a URL .* nor a path that ends in .log"),
        ("oddbase://host/name", "needs a database driver that is not installed"),
    ],
)
def test_unusable_storages(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_storage(url, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "studies.db").write_text("something else, long enough to be read as a header of a file" * 10)
    with pytest.raises(UserError, match="cannot be opened: file is not a database"):
        open_storage(None, tmp_path)


def test_tables_of_another_optuna(tmp_path: Path) -> None:
    open_storage(None, tmp_path)
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("UPDATE version_info SET schema_version = 99")
        connection.execute("UPDATE alembic_version SET version_num = 'v9.9.9.a'")
    with pytest.raises(UserError, match=r"^storage sqlite:.* no longer compatible with the table schema"):
        open_storage(None, tmp_path)
