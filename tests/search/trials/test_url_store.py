"""Files at URLs: on a disk, in memory, and on an S3 server."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

import pytest

from data.errors import UnavailableError, UserError
from search.trials.url_store import UrlStore


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> UrlStore:
    roots = {"file": f"file://{tmp_path}/store", "memory": "memory://store"}
    root = roots.get(request.param) or request.getfixturevalue("s3")
    return UrlStore(f"{root}/{secrets.token_hex(4)}/study/")


def test_files_are_read_as_they_were_written(store: UrlStore, tmp_path: Path) -> None:
    store.write("study.json", b"{}")
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two" * 10**6)
    store.upload({"trial-0000/a": tmp_path / "a", "trial-0000/best/b": tmp_path / "b"})
    assert store.read(["study.json", "missing", "trial-0000/a"]) == {"study.json": b"{}", "trial-0000/a": b"one"}
    store.write("study.json", b"[]")
    assert store.read(["study.json"]) == {"study.json": b"[]"}
    store.download({"trial-0000/best/b": tmp_path / "copy"})
    assert (tmp_path / "copy").read_bytes() == b"two" * 10**6


def test_folders_are_listed_moved_and_deleted(store: UrlStore) -> None:
    assert store.folders() == store.folders("nowhere") == []
    for name in ("study.json", "trial-0000/a", "trial-0000/best/b", "trial-00001/c", "report/d"):
        store.write(name, name.encode())
    assert store.folders() == ["report", "trial-0000", "trial-00001"]
    assert store.folders("trial-0000") == ["best"]
    store.move_folder("trial-0000", "old/trial")
    store.move_folder("nowhere", "old/nothing")
    assert store.read(["old/trial/a", "old/trial/best/b", "trial-0000/a", "trial-00001/c"]) == {
        "old/trial/a": b"trial-0000/a",
        "old/trial/best/b": b"trial-0000/best/b",
        "trial-00001/c": b"trial-00001/c",
    }
    store.delete(["old/trial/a"])
    store.delete(["old/trial/a", "report/d"])  # the first is missing, which does not matter
    store.delete_folder("old")
    store.delete_folder("old")
    assert store.read(["old/trial/best/b", "study.json", "report/d"]) == {"study.json": b"study.json"}


def test_what_another_process_writes_is_seen_at_once(store: UrlStore) -> None:
    other = UrlStore(store.url)
    assert store.folders("x") == []
    other.write("x/y/z", b"1")
    assert store.folders("x") == ["y"]
    other.delete_folder("x")
    assert store.read(["x/y/z"]) == {}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s4://bucket/runs", "s4://bucket/runs: Protocol not known"),
        ("oci://bucket/runs", "oci://bucket/runs: oci:// needs another package: install its package for fsspec"),
        ("gs://bucket/runs", r"gs:// needs another package: pip install .*\[gs\]"),
    ],
)
def test_urls_that_no_installed_package_knows(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    with pytest.raises(UserError, match=message):
        UrlStore(url)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_does_not_exist_or_an_endpoint_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    store = UrlStore("s3://nowhere/runs")
    assert store.folders() == []
    with pytest.raises(
        UnavailableError, match="'s3://nowhere/runs' cannot be used: The specified bucket does not exist"
    ):
        store.write("a", b"")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(UnavailableError, match="cannot be used: Could not connect to the endpoint"):
        UrlStore("s3://bucket/runs").folders()


def test_what_comes_while_a_folder_is_moved_stays(store: UrlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine, which has finished the same move, may have begun a new study there."""
    store.write("stub/trial-0000/a", b"old")
    delete = UrlStore.delete

    def late(self: UrlStore, names: Iterable[str]) -> None:
        self.write("stub/trial-0000/b", b"new")
        delete(self, names)

    monkeypatch.setattr(UrlStore, "delete", late)
    store.move_folder("stub", "stub-old")
    assert store.below("stub-old") == ["trial-0000/a"]
    assert store.below("stub") == ["trial-0000/b"]
