"""The command uploads the exported files to a Hub on this machine, and refuses in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from core.model_files.exported_files import exported_files
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.model_folder import TrainedModel, save_model_folder
from data.errors import UserError
from search.push.hub import stale_files, upload
from tests.search.predict.conftest import ensemble, make_model, tokenizer
from tests.search.push.stub_hub import StubHub

__all__ = ["ensemble", "make_model", "tokenizer"]

MakeModel = Callable[..., TrainedModel]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def hub() -> Iterator[StubHub]:
    found = StubHub()
    found.thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def folder(make_model: MakeModel, tmp_path: Path) -> Path:
    """Return a model with a task's folder, a card, and files that are not the model's."""
    place, trained = tmp_path / "model", make_model("sst", "tone")
    save_model_folder(place, trained, {})
    write_formats(place, trained, plan_formats(trained, ["transformers"]))
    (place / "README.md").write_text("# a card")
    (place / "notes.txt").write_text("secret")
    (place / "sst" / "notes.txt").write_text("secret")
    (place / ".env").write_text("secret")
    return place


def push(folder: Path, url: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    kept |= {"HF_ENDPOINT": url, "HF_TOKEN": "hf_secret", "HF_HOME": str(folder.parent / "hf"), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "search.push", "--model-dir", str(folder), *(options or ("--to", "me/mood"))]
    return subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False)


def upload_here(
    folder: Path, hub: StubHub, monkeypatch: pytest.MonkeyPatch, public: bool = False, revision: str | None = None
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    upload("me/mood", {"heads.safetensors": folder / "heads.safetensors"}, public, revision, "a message")


def test_what_is_uploaded(folder: Path, hub: StubHub) -> None:
    hub.files["main"] |= {
        "heads.safetensors": b"",
        "tone/checksums.json": b"{}",
        "tone/old.bin": b"",
        "LICENSE": b"mine",
        "more/mine.txt": b"",
    }
    done = push(folder, hub.url, "--to", "me/mood", "--message", "second try")
    assert done.returncode == 0, done.stderr
    there = hub.files["main"]
    mine = {".gitattributes", "LICENSE", "more/mine.txt"}
    assert set(there) - mine == {path.relative_to(folder).as_posix() for path in exported_files(folder)}
    assert {"README.md", "heads.safetensors", "sst/config.json", "tone/checksums.json", "provenance.json"} <= set(there)
    assert not any("notes" in name or ".env" in name for name in there)
    assert all(there[name] == (folder / name).read_bytes() for name in set(there) - mine)
    assert (hub.messages, hub.tokens) == (["second try"], {"Bearer hf_secret"})
    assert [(one["name"], one["organization"], one["visibility"]) for one in hub.created] == [("mood", "me", "private")]
    assert done.stdout.strip() == f"{hub.url}/me/mood/commit/{'1' * 40}"
    assert done.stderr.startswith(f"uploading {len(there) - 3} files, ")
    assert "secret" not in done.stdout + done.stderr


def test_a_branch_of_a_public_repository(folder: Path, hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_here(folder, hub, monkeypatch, public=True, revision="v2")
    assert hub.created[0]["visibility"] == "public"
    assert "heads.safetensors" in hub.files["v2"]
    assert "heads.safetensors" not in hub.files["main"]


@pytest.mark.parametrize(
    ("part", "status", "said"),
    [
        ("repos/create", 401, "the Hugging Face Hub does not accept your token; run 'hf auth login'"),
        ("", 403, "your token may not write to 'me/mood'; give another --to"),
        ("preupload", 404, "'me/mood' is not on the Hugging Face Hub, or your token may not see it"),
        ("commit", 409, "'me/mood' was changed by somebody else at the same time; run the same command again"),
        ("commit", 400, "the Hugging Face Hub refuses the upload to 'me/mood'"),
    ],
)
def test_refusals_of_the_hub(
    folder: Path, hub: StubHub, monkeypatch: pytest.MonkeyPatch, part: str, status: int, said: str
) -> None:
    hub.refusals[part] = status
    with pytest.raises(UserError) as refused:
        upload_here(folder, hub, monkeypatch)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
    assert set(hub.files["main"]) == {".gitattributes"}


@pytest.mark.slow
def test_a_refusal_is_one_line(folder: Path, hub: StubHub) -> None:
    hub.refusals["commit"] = 409
    done = push(folder, hub.url)
    assert done.returncode == 2
    first, last = done.stderr.splitlines()
    assert first.startswith("uploading ")
    assert last.startswith("error: 'me/mood' was changed by somebody else")
    assert done.stdout == ""


def test_a_repository_that_exists(folder: Path, hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.refusals["repos/create"] = 409
    upload_here(folder, hub, monkeypatch)
    assert "heads.safetensors" in hub.files["main"]


def test_what_is_refused_without_a_connection(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cases: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        (("--to", "mood"), {}, "--to mood: must be ORG/NAME or USER/NAME"),
        (("--to", "me/mo od"), {}, "--to me/mo od: "),
        ((), {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set, so nothing can be uploaded; unset it"),
        ((), {"HF_TOKEN": ""}, "not logged in to the Hugging Face Hub; run 'hf auth login', or set HF_TOKEN"),
        ((), {}, "the Hugging Face Hub cannot be reached: "),
    ]
    for options, environment, said in cases:
        done = push(folder, "http://127.0.0.1:9", *options, **environment)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"error: {said}"), done.stderr
    done = push(tmp_path / "empty", "http://127.0.0.1:9")
    assert done.stderr == f"error: {tmp_path / 'empty'}: no run_config.json; give a folder written by search.export\n"


def test_files_of_an_ensemble(ensemble: Path) -> None:
    (ensemble / "members" / "a" / "notes.txt").write_text("secret")
    names = {path.relative_to(ensemble).as_posix() for path in exported_files(ensemble)}
    assert {"ensemble.json", "checksums.json", "members/a/heads.safetensors", "members/b/provenance.json"} <= names
    assert not any("notes" in name for name in names)


def test_a_damaged_file_is_not_uploaded(folder: Path) -> None:
    (folder / "sst" / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"config\.json: the file is damaged or was changed.*; export the model again"):
        exported_files(folder)
    (folder / "checksums.json").unlink()
    with pytest.raises(UserError, match=r"no checksums\.json, so its files are not known; export the model again"):
        exported_files(folder)


def test_stale_files() -> None:
    there = ["LICENSE", "README.md", "onnx/checksums.json", "onnx/model.onnx", "notes/a.txt", "vocab.txt"]
    there += ["encoders/sst/config.json", "heads.safetensors"]
    assert stale_files(there, ["heads.safetensors"]) == [
        "encoders/sst/config.json",
        "onnx/checksums.json",
        "onnx/model.onnx",
        "vocab.txt",
    ]
    of_others = ["config.json", "model.safetensors", "vocab.txt", "onnx/checksums.json", "onnx/notes.md"]
    assert stale_files(of_others, ["heads.safetensors", "config.json"]) == []
