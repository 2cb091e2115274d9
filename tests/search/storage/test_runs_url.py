"""Runs at a URL: the copy of each machine, and what cannot be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import MachineError, UserError
from search.console.cli import location_options
from search.storage.open import open_recorded, open_storage
from search.storage.runs_url import MARK, copy_of, parse_runs_dir, url_of
from search.storage.study_names import recorded_names


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "onebert"


def test_a_path_is_itself() -> None:
    assert parse_runs_dir("runs") == parse_runs_dir(Path("runs")) == Path("runs")
    assert url_of(Path("runs")) is None


def test_each_url_has_a_copy_of_its_own(cache: Path) -> None:
    urls = ["s3://bucket/runs", "s3://bucket-runs", "gs://bucket/runs", "s3://bucket/runs/of/" + "x" * 300]
    copies = [parse_runs_dir(url) for url in urls]
    assert len(set(copies)) == len(urls)
    assert [url_of(copy) for copy in copies] == urls
    assert all(copy.parent == cache for copy in copies)
    assert copies[0].name.startswith("s3-bucket-runs-")
    assert parse_runs_dir("s3://bucket/runs/") == copies[0]
    assert location_options(copies[0], None) == " --runs-dir s3://bucket/runs"


def test_a_password_is_refused(cache: Path) -> None:
    with pytest.raises(UserError, match="leave the password out") as refused:
        parse_runs_dir("ftp://me:secret@host/runs")
    assert "secret" not in str(refused.value)
    assert not cache.exists()


def test_a_damaged_mark() -> None:
    copy = copy_of("s3://bucket/runs")
    (copy / MARK).write_text("{")
    with pytest.raises(MachineError, match=r"runs-url.json: the file is damaged; delete the folder"):
        url_of(copy)


@pytest.mark.parametrize("use", [open_storage, open_recorded, recorded_names])
def test_the_database_cannot_be_at_a_url(use: object) -> None:
    assert callable(use)
    with pytest.raises(UserError, match="--runs-dir s3://bucket/runs needs --storage"):
        use(None, copy_of("s3://bucket/runs"))
