"""Lengths in tokens and unknown words, against the tokenizer and the checks before a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from data.tokenizer import save_tokenizer
from search.audit.examples import read_tasks
from search.audit.findings import Reason
from search.audit.lengths import lengths_topic
from search.display.table import Table
from search.preflight.data import check_data
from search.preflight.encoder_content import survey_encoders
from search.study.file import load_study
from search.study.spec import StudySpec
from tests.search.audit.audited import MOOD, base_of, write_task

STUDY = 'tasks = ["sst"]\ntrials = 1\n[space]\n"optim.learning_rate" = [1e-4, 1e-3]\n'


def encoder(folder: Path) -> Path:
    """Write a folder with a tokenizer that knows two words."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film"]
    tokenizer = Tokenizer(WordPiece({token: index for index, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(tokens[:5])
    save_tokenizer(tokenizer, folder)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def study(folder: Path, train: list[int], dev: list[int]) -> StudySpec:
    """Return a study whose texts have these numbers of words; the last of each text is unknown."""
    texts = {
        split: [
            (f"{at}", " ".join(["good"] * (words - 1) + ["Zyx"]), "np"[at % 2 :][0]) for at, words in enumerate(many)
        ]
        for split, many in (("train", train), ("dev", dev))
    }
    task = {**MOOD, "classes": ["n", "p"]}
    base = base_of(folder, mine=write_task(folder, "mine", task, **texts))
    model = {**base.model.model_dump(), "encoder": str(encoder(folder / "encoder")), "max_length": 10}
    (folder / "study.toml").write_text(STUDY)
    return replace(load_study(folder / "study.toml"), base=base.model_validate({**base.model_dump(), "model": model}))


def test_lengths_and_unknown_words(tmp_path: Path) -> None:
    spec = study(tmp_path, [2] * 98 + [8, 20], [9, 9, 3])
    tasks = read_tasks(spec.base, (), tmp_path / "faults")
    topic = lengths_topic(tasks, spec, tmp_path / "cache")
    lengths, words = (part for part in topic.section.parts if isinstance(part, Table))
    assert lengths.headings[2:6] == ("50%", "90%", "95%", "99%")
    # two special tokens are part of a row; the longest row is not among 99 %
    assert lengths.rows[0] == ("train", "100", "4", "4", "4", "10", "22", "1", "1.00 %", f"{100 * 100 / 224:.3f} %")
    assert lengths.rows[1][2:9] == ("11", "11", "11", "11", "11", "2", "66.67 %")
    assert any("model.max_length = 11 would keep 99%" in str(part) for part in topic.section.parts)
    assert words.rows == (("Zyx", "103"),)
    assert [(one.split, one.line, one.detail) for one in topic.findings] == [
        ("train", 101, "22 tokens; model.max_length = 10"),
        ("dev", 2, "11 tokens; model.max_length = 10"),
        ("dev", 3, "11 tokens; model.max_length = 10"),
    ]
    assert {one.reason for one in topic.findings} == {Reason.CUT}


def test_warnings_are_those_of_the_checks_before_a_study(tmp_path: Path) -> None:
    spec = study(tmp_path, [2, 20], [9, 9, 3])
    topic = lengths_topic(read_tasks(spec.base, (), tmp_path / "faults"), spec, tmp_path / "cache")
    data = check_data(spec.base)
    surveyed = survey_encoders(data, spec, tmp_path / "cache", {})
    assert topic.warnings == surveyed.warnings[len(data.warnings) :]
    assert len(topic.warnings) == 3  # [UNK] in both splits, and rows that are cut
    assert all(line.startswith("mine: ") for line in topic.warnings)


def test_an_encoder_that_is_not_there_leaves_the_section_out(tmp_path: Path) -> None:
    spec = study(tmp_path, [2, 3], [2, 3])
    gone = {**spec.base.model_dump(), "model": {**spec.base.model.model_dump(), "encoder": str(tmp_path / "gone")}}
    topic = lengths_topic(
        read_tasks(spec.base, (), tmp_path / "faults"),
        replace(spec, base=spec.base.model_validate(gone)),
        tmp_path / "cache",
    )
    assert len(topic.section.parts) == len(topic.warnings) == 1
    assert "lengths in tokens and [UNK] are left out" in topic.warnings[0]
