"""A folder and its list at a URL: readers have all files as they were at one time."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import UnavailableError
from search.trials import remote_folder
from search.trials.remote_folder import SYNCED, FileList, RemoteFolder
from search.trials.url_store import UrlStore

NAMES = ["metrics.jsonl", "best/model.safetensors", "best/encoder/config.json", "predictions/sst-dev-25.npy"]


@pytest.fixture
def store() -> UrlStore:
    return UrlStore(f"memory://folders/{secrets.token_hex(4)}")


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def read(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != SYNCED)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@given(versions=st.lists(st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=3)), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("by_content", [False, True])
def test_a_copy_is_equal_to_what_was_pushed_last(
    versions: list[dict[str, bytes]], by_content: bool, tmp_path: Path
) -> None:
    """Also if it has an earlier version already; and no file of an earlier version stays at the URL."""
    store = UrlStore(f"memory://folders/{secrets.token_hex(4)}")
    here, there = (tmp_path / secrets.token_hex(4) for _ in range(2))
    here.mkdir()
    pushed = RemoteFolder(store, "trial", by_content=by_content)
    for generation, files in enumerate(versions, start=1):
        write(here, files)
        pushed.push(here, generation)
        pulled = RemoteFolder(store, "trial", by_content=by_content)
        assert pulled.read_list()
        assert pulled.list.generation == generation
        pulled.pull(there, only_listed=True)
        assert read(there) == files
        kept = {digest if by_content else name for name, digest in pulled.list.files.items()}
        assert set(store.below("trial")) == kept | {"files.json"}


def test_only_what_changed_is_copied(store: UrlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded, downloaded = list[str](), list[str]()
    upload, download = UrlStore.upload, UrlStore.download
    monkeypatch.setattr(UrlStore, "upload", lambda self, files: (uploaded.extend(files), upload(self, files))[1])
    monkeypatch.setattr(UrlStore, "download", lambda self, files: (downloaded.extend(files), download(self, files))[1])
    write(tmp_path / "a", dict.fromkeys(NAMES, b"1"))
    pushed, pulled = RemoteFolder(store, "t"), RemoteFolder(store, "t")
    pushed.push(tmp_path / "a")
    pulled.read_list()
    pulled.fetch(tmp_path / "b", lambda name: name.startswith("best/"))
    assert set(downloaded) == {"t/best/model.safetensors", "t/best/encoder/config.json"}
    (tmp_path / "a" / NAMES[0]).write_bytes(b"22")
    uploaded.clear(), downloaded.clear()
    pushed.push(tmp_path / "a")
    pulled.read_list()
    pulled.pull(tmp_path / "b")
    assert uploaded == ["t/metrics.jsonl"]
    assert set(downloaded) == {"t/metrics.jsonl", "t/predictions/sst-dev-25.npy"}


def test_locks_hidden_and_half_written_files_stay_here(store: UrlStore, tmp_path: Path) -> None:
    for name in ("driver.lock", "driver.json", ".pull.lock", "a.1f.tmp", ".hidden/x", "kept.json", "trial-0000/y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    folder = RemoteFolder(store, "", is_flat=True)
    folder.push(tmp_path)
    assert set(folder.list.files) == {"kept.json"}


def test_a_reader_waits_while_a_folder_is_written(
    store: UrlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the list from before, and the files are new already."""
    monkeypatch.setattr(remote_folder, "PAUSE_SECONDS", 0.05)
    write(tmp_path / "a", {"metrics.jsonl": b"1"})
    pushed, pulled = RemoteFolder(store, "t"), RemoteFolder(store, "t")
    pushed.push(tmp_path / "a")
    pulled.read_list()
    store.write("t/metrics.jsonl", b"2")
    with pytest.raises(UnavailableError, match=r"/t/' has files that do not match its files.json"):
        pulled.pull(tmp_path / "b")
    assert read(tmp_path / "b") == {}
    write(tmp_path / "a", {"metrics.jsonl": b"2"})
    pushed.push(tmp_path / "a")
    lists = store.read(["t/files.json"])
    store.write("t/files.json", b"{")  # half a list, as a reader may find it where files are not replaced at once
    threading.Timer(0.1, lambda: store.write("t/files.json", lists["t/files.json"])).start()
    pulled.pull(tmp_path / "b")
    assert read(tmp_path / "b") == {"metrics.jsonl": b"2"}


class KilledError(BaseException): ...


@pytest.mark.parametrize("by_content", [False, True])
@pytest.mark.parametrize("after", range(8))
def test_a_writer_killed_at_any_moment_leaves_what_can_be_read(
    store: UrlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_content: bool, after: int
) -> None:
    """Each file that a reader gets is of one of the two versions, and the next push repairs the rest."""
    first = {"metrics.jsonl": b"1", "best/model.safetensors": b"1", "predictions/sst-dev-25.npy": b"1"}
    second = {"metrics.jsonl": b"2", "best/model.safetensors": b"2", "best/encoder/config.json": b"2"}
    write(tmp_path / "a", first)
    pushed = RemoteFolder(store, "t", by_content=by_content)
    pushed.push(tmp_path / "a", 1)
    left, methods = iter(range(after)), {name: getattr(UrlStore, name) for name in ("write", "upload", "delete")}

    def dying(name: str) -> Callable[..., None]:
        def call(self: UrlStore, argument: Any, *more: Any) -> None:
            single = [argument] if name == "write" else list(argument)
            for one in single:
                if next(left, None) is None:
                    raise KilledError
                part = (argument, *more) if name == "write" else ({one: argument[one]} if name == "upload" else [one],)
                methods[name](self, *part)

        return call

    write(tmp_path / "a", second)
    with monkeypatch.context() as patch:
        for name in methods:
            patch.setattr(UrlStore, name, dying(name))
        with suppress(KilledError):
            pushed.push(tmp_path / "a", 2)
    pulled = RemoteFolder(store, "t", by_content=by_content)
    assert pulled.read_list()
    pulled.pull(tmp_path / "b")
    found = read(tmp_path / "b")
    assert all(content in (first.get(name), second.get(name)) for name, content in found.items())
    assert by_content <= (found in (first, second))
    pulled.push(tmp_path / "a", 3)
    pulled.sweep()
    again = RemoteFolder(store, "t", by_content=by_content)
    again.read_list()
    again.pull(tmp_path / "c")
    assert read(tmp_path / "c") == second
    assert len(store.below("t")) == len(second if not by_content else set(second.values())) + 1


def test_what_is_gone_there_is_deleted_here_but_not_what_was_added(store: UrlStore, tmp_path: Path) -> None:
    write(tmp_path / "a", {"metrics.jsonl": b"1", "best/model.safetensors": b"1"})
    pushed = RemoteFolder(store, "t")
    pushed.push(tmp_path / "a")
    pulled = RemoteFolder(store, "t")
    pulled.read_list()
    pulled.pull(tmp_path / "b")
    (tmp_path / "b" / "added").write_bytes(b"")
    write(tmp_path / "a", {"metrics.jsonl": b"1"})
    pushed.push(tmp_path / "a")
    pulled.read_list()
    pulled.pull(tmp_path / "b")
    assert read(tmp_path / "b") == {"metrics.jsonl": b"1", "added": b""}
    pulled.pull(tmp_path / "b", only_listed=True)
    assert read(tmp_path / "b") == {"metrics.jsonl": b"1"}
    pulled.forget(tmp_path / "b")
    assert read(tmp_path / "b") == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"files": {}}',
        b'{"generation": 1, "token": "", "files": []}',
        b'{"generation": 1, "token": "", "files": {"../study.json": "00"}}',
        b'{"generation": 1, "token": "", "files": {"/etc/passwd": "00"}}',
        b'{"generation": 1, "token": "", "files": {"..\\\\x": "00"}}',
    ],
)
def test_a_list_that_is_damaged_or_leads_elsewhere_is_none(content: bytes) -> None:
    assert FileList.read(content) is None
