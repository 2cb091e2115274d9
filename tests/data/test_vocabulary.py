import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import BertTokenizerFast

from data.errors import UserError
from data.synthetic.corpus import write_corpus
from data.tokenizer import load_tokenizer, save_tokenizer
from data.vocabulary import SPECIAL_TOKENS, build_wordpiece

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = [
    "The quick brown fox isn't lazy , and the dog is lazier !",
    "A quick-witted author writes about foxes , dogs and Zoë 's café .",
    "Quickly the writers wrote : quicker , quickest ; 42 times 1.0 ?",
    "Brown foxes write brownish books , browner than the brownest .",
]


def test_special_tokens_come_first_and_size_is_a_bound() -> None:
    for size in (32, 40, 100, 2000):
        vocabulary = build_wordpiece(SENTENCES, size).get_vocab()
        assert [vocabulary[token] for token in SPECIAL_TOKENS] == [0, 1, 2, 3, 4]
        assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
        assert len(vocabulary) <= size
    assert len(build_wordpiece(SENTENCES, 100).get_vocab()) == 100


def test_rarest_characters_are_unknown_where_the_size_does_not_hold_all() -> None:
    tokenizer = build_wordpiece(["abcdefghijklm" * 3, "z"], 32)  # room for 13 characters in two forms each
    assert tokenizer.encode("acb", add_special_tokens=False).tokens == ["a", "##c", "##b"]
    assert tokenizer.encode("z", add_special_tokens=False).tokens == ["[UNK]"]


def test_learns_words_and_pieces_lower_cased_without_accents() -> None:
    tokenizer = build_wordpiece(["Unhappy happy Café café"] * 3, 300)
    assert tokenizer.encode("CAFÉ happy unhappy").tokens == ["[CLS]", "cafe", "happy", "unhappy", "[SEP]"]
    assert tokenizer.decode(tokenizer.encode("caf").ids) == "caf"  # of pieces
    assert tokenizer.encode("cafe", "happy").type_ids == [0, 0, 0, 1, 1]


def test_same_in_every_process() -> None:
    code = (
        "import json, sys, hashlib; from data.vocabulary import build_wordpiece;"
        "print(hashlib.sha256(build_wordpiece(json.loads(sys.argv[1]), 150).to_str().encode()).hexdigest())"
    )
    built = {hashlib.sha256(build_wordpiece(SENTENCES[::-1], 150).to_str().encode()).hexdigest()}  # any order
    for hash_seed in ("1", "2"):
        process = subprocess.run(
            [sys.executable, "-c", code, json.dumps(SENTENCES)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        built.add(process.stdout.strip())
    assert len(built) == 1


def test_equals_transformers(tmp_path: Path) -> None:
    tokenizer = build_wordpiece(SENTENCES, 120)
    save_tokenizer(tokenizer, tmp_path)
    reference = BertTokenizerFast.from_pretrained(tmp_path)
    texts = [*SENTENCES, "ÉCLAIR\u00a0über-quickly 中文 [MASK] naïve", "", "xyz" * 50]
    for text in texts:
        assert tokenizer.encode(text).ids == reference(text)["input_ids"]
    pair = reference(texts[0], texts[1])
    encoded = tokenizer.encode(texts[0], texts[1])
    assert (encoded.ids, encoded.type_ids) == (pair["input_ids"], pair["token_type_ids"])
    assert load_tokenizer(tmp_path).to_str() == tokenizer.to_str()


def test_synthetic_words_are_single_tokens(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=2000, dev=1, test=1)
    lines = [
        line.split("\t")
        for name in ("ids-sst-train.csv", "quora-train.csv", "sts-train.csv")
        for line in (tmp_path / name).read_text().splitlines()[1:]
    ]
    sentences = [cell for cells in lines for cell in cells[2:-1]]
    vocabulary = build_wordpiece(sentences, 2000).get_vocab()
    assert {word for sentence in sentences for word in sentence.split()} <= set(vocabulary)


@pytest.mark.parametrize("sentences", [[], ["", "  \n"]])
def test_refuses_empty_text(sentences: list[str]) -> None:
    with pytest.raises(UserError, match=r"^cannot build a vocabulary: the sentences contain no text$"):
        build_wordpiece(sentences, 100)


def test_refuses_a_size_below_32() -> None:
    with pytest.raises(UserError, match=r"^vocab_size must be >= 32, got 31$"):
        build_wordpiece(SENTENCES, 31)
