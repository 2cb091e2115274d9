"""An encoder is known by the bytes of the files that are read, wherever they are."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.model_files.encoder_content import EncoderContent
from data.errors import UnavailableError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        (folder / name).write_text(name)
    return folder


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_digests_are_those_of_the_files(encoder: Path) -> None:
    found = EncoderContent.read(encoder)
    assert found == EncoderContent(sha("config.json"), sha("model.safetensors"), sha("vocab.txt"))
    assert EncoderContent.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_moved_folder_is_the_same_encoder(encoder: Path, tmp_path: Path) -> None:
    before = EncoderContent.read(encoder)
    shutil.move(encoder, tmp_path / "moved")
    assert EncoderContent.read(tmp_path / "moved") == before


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("config.json", "config"),
        ("model.safetensors", "weights"),
        ("vocab.txt", "tokenizer"),
        ("tokenizer.json", "tokenizer"),
        ("tokenizer_config.json", "tokenizer"),
        ("special_tokens_map.json", "tokenizer"),
        ("added_tokens.json", "tokenizer"),
    ],
)
def test_every_file_that_is_read_counts(encoder: Path, name: str, part: str) -> None:
    before = EncoderContent.read(encoder)
    (encoder / name).write_text("another")
    assert before.changes(EncoderContent.read(encoder)) == [part]


@pytest.mark.parametrize("name", ["README.md", "pytorch_model.bin", "model.safetensors.index.json"])
def test_other_files_do_not(encoder: Path, name: str) -> None:
    before = EncoderContent.read(encoder)
    (encoder / name).write_text("another")
    assert before.changes(EncoderContent.read(encoder)) == []


def shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model-2.safetensors").write_text("2")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(("change", "name"), [(shard, "model-2.safetensors"), (pickle, "pytorch_model.bin")])
def test_weights_in_other_files(encoder: Path, change: Callable[[Path], None], name: str) -> None:
    change(encoder)
    before = EncoderContent.read(encoder)
    (encoder / name).write_text("another")
    assert before.changes(EncoderContent.read(encoder)) == ["weights"]


def test_a_snapshot_of_the_hub_has_a_commit(encoder: Path, tmp_path: Path) -> None:
    """Its files are links into another folder of the cache."""
    snapshot = tmp_path / "models--a--b" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for file in encoder.iterdir():
        (snapshot / file.name).symlink_to(file)
    found = EncoderContent.read(snapshot)
    assert found.commit == COMMIT
    assert found.changes(EncoderContent.read(encoder)) == []


def test_a_missing_file_may_be_back_in_a_moment(encoder: Path) -> None:
    (encoder / "model.safetensors").unlink()
    with pytest.raises(UnavailableError, match=r"pytorch_model\.bin: cannot read the file: No such file"):
        EncoderContent.read(encoder)


def test_a_vocabulary() -> None:
    one = EncoderContent.of_vocabulary({"a": 0, "b": 1})
    assert one == EncoderContent.of_vocabulary({"b": 1, "a": 0})
    assert one.changes(EncoderContent.of_vocabulary({"a": 1, "b": 0})) == ["tokenizer"]
    assert set(one.to_json()) == {"tokenizer"}
