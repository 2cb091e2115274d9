from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers
from transformers import AutoTokenizer, BertTokenizerFast

from data.errors import UserError
from data.tokenizer import SpecialIds, load_tokenizer, save_tokenizer, special_ids

TEXTS = ["The cats sat.", "Café, NAÏVE!", "日本 good", "[MASK] film [SEP]", "bad\x00\u200bsitting \t far", ""]


def ids(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def test_special_ids(tokenizer: Tokenizer) -> None:
    assert special_ids(tokenizer) == SpecialIds(pad=0, unk=1, cls=2, sep=3, mask=4)


def test_wordpieces_by_hand(tokenizer: Tokenizer) -> None:
    the, cat, sat, plural, unknown = (tokenizer.token_to_id(t) for t in ("the", "cat", "sat", "##s", "[UNK]"))
    assert ids(tokenizer, ["The CATS sat zebra"]) == [[the, cat, plural, sat, unknown]]


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False},
    ],
)
def test_older_files_give_the_ids_of_transformers(minilm: Path, tmp_path: Path, written: dict[str, bool]) -> None:
    shutil.copy(minilm / "vocab.txt", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", **written}))
    reference = BertTokenizerFast.from_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert ids(tokenizer, TEXTS) == reference(TEXTS, add_special_tokens=False)["input_ids"]
    with_special = [encoding.ids for encoding in tokenizer.encode_batch(TEXTS)]
    assert with_special == reference(TEXTS)["input_ids"]


def test_truncation_and_padding_of_the_file_are_off(minilm: Path) -> None:
    assert json.loads((minilm / "tokenizer.json").read_text())["truncation"]["max_length"] == 128
    tokenizer = load_tokenizer(minilm)
    assert [len(row) for row in ids(tokenizer, ["cat " * 300, "cat"])] == [300, 1]


@pytest.fixture(scope="module")
def both(minilm: Path) -> tuple[Tokenizer, BertTokenizerFast]:
    return load_tokenizer(minilm), BertTokenizerFast.from_pretrained(minilm)


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_any_text_gives_the_ids_of_transformers(both: tuple[Tokenizer, BertTokenizerFast], text: str) -> None:
    ours, reference = both
    assert ours.encode(text, add_special_tokens=False).ids == reference(text, add_special_tokens=False)["input_ids"]


def test_saved_tokenizers_are_the_same_here_and_in_transformers(minilm: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(minilm)
    save_tokenizer(tokenizer, tmp_path / "model", max_length=64)
    again = load_tokenizer(tmp_path / "model")
    assert again.to_str() == tokenizer.to_str()
    assert (tmp_path / "model" / "vocab.txt").read_text() == (minilm / "vocab.txt").read_text()
    reference = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert reference(TEXTS, add_special_tokens=False)["input_ids"] == ids(tokenizer, TEXTS)
    assert reference.model_max_length == 64
    assert reference.pad_token == "[PAD]"
    (tmp_path / "model" / "tokenizer.json").unlink()
    assert ids(load_tokenizer(tmp_path / "model"), TEXTS) == ids(tokenizer, TEXTS)


def test_cased_settings_survive_saving(vocabulary_folder: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(vocabulary_folder)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True)
    save_tokenizer(tokenizer, tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert (config["do_lower_case"], config["strip_accents"], config["cls_token"]) == (False, True, "[CLS]")


def test_another_normaliser_is_saved_whole(vocabulary_folder: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(vocabulary_folder)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("dog", "cat"), normalizers.Lowercase()])
    save_tokenizer(tokenizer, tmp_path)
    reference = AutoTokenizer.from_pretrained(tmp_path)
    assert reference("The dog", add_special_tokens=False)["input_ids"] == [5, 6]
    assert ids(load_tokenizer(tmp_path), ["The dog"]) == [[5, 6]]


class TestRefusals:
    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"no tokenizer; expected tokenizer.json or vocab.txt"):
            load_tokenizer(tmp_path)

    def test_a_broken_file(self, tmp_path: Path) -> None:
        (tmp_path / "tokenizer.json").write_text('{"model": ')
        with pytest.raises(UserError, match=r"tokenizer.json: cannot read the tokenizer"):
            load_tokenizer(tmp_path)

    def test_a_vocabulary_that_is_not_berts(self, tmp_path: Path) -> None:
        (tmp_path / "vocab.txt").write_text("<s>\n</s>\n[UNK]\n[PAD]\nthe\n")
        with pytest.raises(UserError, match=r"not a BERT tokenizer: its vocabulary has no \[CLS\], \[SEP\], \[MASK\]"):
            load_tokenizer(tmp_path)
