"""Files next to a vocabulary: the ids are those of transformers' AutoTokenizer, or the folder is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from data.errors import UserError
from data.tokenizer import load_tokenizer, save_tokenizer

ENTRIES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "cat",
    "sat",
    "user",
    "url",
    "film",
    "##s",
    "[",
    "]",
    "<",
]
NEXT = len(ENTRIES)
USER, URL = "[USER]", "[URL]"
PIECES = ["[USER]", "[user]", "[URL]", "<e>", "User", "the", "cats", "Film", "[CLS]", "[MASK]", " ", ".", "é"]


def token(content: str, **flags: bool) -> dict[str, Any]:
    usual = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": True, "special": False}
    return {"content": content, **usual, **flags}


DECODER = {"tokenizer_class": "BertTokenizer", "added_tokens_decoder": {str(NEXT): token(USER)}}
FOLDERS: dict[str, dict[str, Any]] = {
    "added": {"added_tokens.json": {USER: NEXT, URL: NEXT + 1}},
    "added, cased": {"added_tokens.json": {USER: NEXT}, "tokenizer_config.json": {"do_lower_case": False}},
    "added, special": {
        "added_tokens.json": {USER: NEXT, URL: NEXT + 1},
        "special_tokens_map.json": {"additional_special_tokens": [USER], "cls_token": token("[CLS]")},
    },
    "special only": {"special_tokens_map.json": {"additional_special_tokens": [USER, URL]}},
    "added, special in the settings": {
        "added_tokens.json": {USER: NEXT},
        "tokenizer_config.json": {"additional_special_tokens": [USER, "<e>"]},
    },
    "decoder": {"tokenizer_config.json": DECODER, "added_tokens.json": {"never read": 3}},
    "decoder with flags": {
        "tokenizer_config.json": {
            "added_tokens_decoder": {
                str(NEXT): token(USER, lstrip=True, single_word=True),
                str(NEXT + 1): token("<e>", special=True, normalized=False),
                "8": token("user"),
            }
        }
    },
    "whole": {"tokenizer.json": True},
    "whole, decoder": {"tokenizer.json": True, "tokenizer_config.json": DECODER},
    "whole, added": {"tokenizer.json": True, "added_tokens.json": {USER: NEXT}},
    "whole, of any class": {
        "tokenizer.json": True,
        "tokenizer_config.json": {**DECODER, "tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False},
    },
}


def write(folder: Path, files: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in ENTRIES))
    if "tokenizer.json" in files:
        load_tokenizer(folder).save(str(folder / "tokenizer.json"))
        (folder / "vocab.txt").unlink()
    for name, content in files.items():
        if content is not True:
            (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    if not (folder / "config.json").exists():
        (folder / "config.json").write_text('{"model_type": "bert"}')
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Tokenizer, Any]]:
    """Return our tokenizer and that of transformers, for every folder."""
    found = {}
    for name, files in FOLDERS.items():
        folder = write(tmp_path_factory.mktemp("tokenizers") / "t", files)
        found[name] = load_tokenizer(folder), AutoTokenizer.from_pretrained(folder)
    return found


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PIECES) | st.text(st.characters(codec="utf-8"), max_size=8), max_size=12))
def test_any_text_gives_the_ids_of_transformers(both: dict[str, tuple[Tokenizer, Any]], pieces: list[str]) -> None:
    text = "".join(pieces)
    for name, (ours, reference) in both.items():
        expected = reference(text, add_special_tokens=False)["input_ids"]
        assert ours.encode(text, add_special_tokens=False).ids == expected, name


def test_added_tokens_by_hand(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(write(tmp_path / "t", FOLDERS["added"]))
    assert tokenizer.encode("the [USER] sat", add_special_tokens=False).ids == [5, NEXT, 7]
    assert tokenizer.get_vocab_size() == NEXT + 2


@pytest.mark.parametrize("name", FOLDERS)
def test_added_tokens_survive_saving(name: str, both: dict[str, tuple[Tokenizer, Any]], tmp_path: Path) -> None:
    ours, text = both[name][0], "The [USER] sat[URL] <e> User [user]"
    save_tokenizer(ours, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    expected = ours.encode(text, add_special_tokens=False).ids
    assert load_tokenizer(tmp_path / "model").encode(text, add_special_tokens=False).ids == expected
    reference = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert reference(text, add_special_tokens=False)["input_ids"] == expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"tokenizer_config.json": {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}},
            "tokenizer_config.json: tokenizer_class 'BertJapaneseTokenizer' is not supported; it must be "
            "BertTokenizer, or PreTrainedTokenizerFast with a tokenizer.json",
        ),
        (
            {"config.json": {"model_type": "bert", "tokenizer_class": "BertJapaneseTokenizer"}},
            "config.json: tokenizer_class 'BertJapaneseTokenizer' is not supported; it must be "
            "BertTokenizer, or PreTrainedTokenizerFast with a tokenizer.json",
        ),
        (
            {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}},
            "no tokenizer.json, which PreTrainedTokenizerFast needs",
        ),
        (
            {"added_tokens.json": {USER: 99}},
            f"added_tokens.json: token '[USER]' has id 99, but its place is {NEXT}",
        ),
        (
            {"special_tokens_map.json": {"cls_token": token("<s>")}},
            "special_tokens_map.json: cls_token must be '[CLS]', got '<s>'; no other name is supported",
        ),
        (
            {"tokenizer.json": True, "tokenizer_config.json": {"do_lower_case": False}},
            "tokenizer.json: its normalizer has lowercase = true, but tokenizer_config.json says do_lower_case = "
            "false; make them agree",
        ),
        (
            {"tokenizer_config.json": "[1]"},
            "tokenizer_config.json: cannot read the tokenizer: must contain a JSON object, got list",
        ),
        ({"added_tokens.json": "[" * 5000}, "cannot read the tokenizer"),
        ({"added_tokens.json": {USER: None}}, "cannot read the tokenizer's added tokens"),
        ({"tokenizer_config.json": {"added_tokens_decoder": {"15": "x"}}}, "cannot read the tokenizer's added tokens"),
        ({"tokenizer_config.json": {"additional_special_tokens": [1]}}, "must be texts, got [1]"),
    ],
)
def test_refusals(files: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_tokenizer(write(tmp_path / "t", files))
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    shutil.rmtree(tmp_path / "t")
