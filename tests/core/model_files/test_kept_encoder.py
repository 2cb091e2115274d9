"""What is kept of an encoder is the same when it is read, and damage is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model.bert import BertConfig
from core.model_files.kept_encoder import kept_encoder_files, load_kept_encoder
from data.errors import UserError
from data.vocabulary import build_wordpiece

SHAPE = BertConfig(vocab_size=40, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)


def write(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def test_shape_and_tokenizer_are_read_back(tmp_path: Path) -> None:
    tokenizer = build_wordpiece(["the film is great"], 40)
    assert load_kept_encoder(tmp_path / "encoder") is None
    write(tmp_path / "encoder", kept_encoder_files(SHAPE, tokenizer))
    kept = load_kept_encoder(tmp_path / "encoder")
    assert kept is not None
    assert kept[0] == SHAPE
    assert kept[1].to_str() == tokenizer.to_str()


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_damage_is_named(name: str, tmp_path: Path) -> None:
    write(tmp_path / "encoder", kept_encoder_files(SHAPE, build_wordpiece(["the film is great"], 40)))
    (tmp_path / "encoder" / name).write_text("{")
    with pytest.raises(UserError, match=rf"{name}: .*; the model in {tmp_path} cannot be used without it"):
        load_kept_encoder(tmp_path / "encoder")
