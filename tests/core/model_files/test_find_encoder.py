"""Encoders that are on this machine, without asking the network."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import pytest

from core.model_files.encoder_source import find_encoder
from data.errors import UserError


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
def test_a_part_of_one_is_none(cache: Path, file: str) -> None:
    fill(cache, "part", file)
    assert find_encoder("part") is None


def test_a_folder_and_what_can_be_nothing(cache: Path) -> None:
    assert find_encoder(str(cache)) == cache
    for name, words in (("./none", "looks like a folder"), ("a b", "neither a folder nor a possible name")):
        with pytest.raises(UserError, match=words):
            find_encoder(name)
