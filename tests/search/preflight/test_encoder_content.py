"""Encoders are identified before a study, and text that their tokenizers do not know is warned about."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model_files.encoder_content import EncoderContent
from search.preflight.data import check_data
from search.preflight.encoder_content import read_folders, survey_encoders
from search.preflight.further import check_further
from search.preflight.nli import check_nli_files
from search.study.file import load_study
from tests.core.small_encoders import encoder_folder
from tests.search.study_texts import write

STUDY = """\
trials = 2
[tasks.mood]
kind = "classify"
files = { train = "train.csv", dev = "dev.csv" }
columns = { id = "id", sentences = ["text"], label = "mood" }
classes = ["neg", "pos"]
metric = "accuracy"
[base.model]
encoder = "ENCODER"
[space]
"optim.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"""


def surveyed(folder: Path, train: str, encoder: str) -> tuple[dict[str, EncoderContent], tuple[str, ...]]:
    for split, text in (("train", train), ("dev", "the film is great")):
        (folder / f"{split}.csv").write_text(f"id,text,mood\n1,{text},neg\n2,the plot is thin,pos\n")
    spec = load_study(write(folder, STUDY.replace("ENCODER", encoder)), data=folder)
    report = survey_encoders(check_data(spec.base), spec, folder / "cache", read_folders(spec))
    return dict(report.encoders), tuple(line for line in report.warnings if "[UNK]" in line)


def test_the_content_of_a_folder(tmp_path: Path) -> None:
    encoder = encoder_folder(tmp_path / "encoder")
    contents, warnings = surveyed(tmp_path, "the film is thin", str(encoder))
    assert contents == {str(encoder): EncoderContent.read(encoder)}
    assert warnings == ()
    assert (tmp_path / "cache" / "tokens").is_dir()  # where workers find them


def test_unknown_words_are_warned_about(tmp_path: Path) -> None:
    encoder = encoder_folder(tmp_path / "encoder")
    _, warnings = surveyed(tmp_path, "日本 語", str(encoder))  # three of seven tokens
    assert warnings == (
        f"mood: 43% of all tokens in train are unknown to encoder '{encoder}' ([UNK]): check that it suits the "
        "language and the spelling of the texts",
    )


@pytest.mark.parametrize(("setting", "share"), [("max_length = 8", "50%"), ("max_length = 16", None)])
def test_examples_that_are_cut_are_warned_about(tmp_path: Path, setting: str, share: str | None) -> None:
    """Of two examples, one has seven tokens, and with [CLS] and [SEP] no room in a row of eight."""
    encoder = encoder_folder(tmp_path / "encoder")
    for split, text in (("train", "the film is great the film is"), ("dev", "the plot")):
        (tmp_path / f"{split}.csv").write_text(f"id,text,mood\n1,{text},neg\n2,the plot is thin,pos\n")
    text = STUDY.replace('encoder = "ENCODER"', f'encoder = "{encoder}"\n{setting}')
    spec = load_study(write(tmp_path, text), data=tmp_path)
    warnings = survey_encoders(check_data(spec.base), spec, tmp_path / "cache", read_folders(spec)).warnings
    said = f"mood: {share} of the examples in train are cut, because they are longer than model.max_length = 8 tokens"
    assert (said in warnings) == (share is not None)
    assert any("are cut" in line for line in warnings) == (share is not None)


def test_a_vocabulary_that_is_too_small(tmp_path: Path) -> None:
    text = STUDY.replace('encoder = "ENCODER"', 'encoder = "scratch"\nscratch = { vocab_size = 32 }')
    for split in ("train", "dev"):
        (tmp_path / f"{split}.csv").write_text("id,text,mood\n1,ABCDEFGHIJKLMNOPQRSTUVWXYZ,neg\n2,a,pos\n")
    spec = load_study(write(tmp_path, text), data=tmp_path)
    report = survey_encoders(check_data(spec.base), spec, tmp_path / "cache", read_folders(spec))
    assert report.encoders == {}
    assert next(line for line in report.warnings if "[UNK]" in line).startswith(
        "mood: 50% of all tokens in train are unknown to encoder 'scratch' ([UNK])"
    )


def test_unknown_words_of_further_examples_and_pairs(tmp_path: Path) -> None:
    encoder = encoder_folder(tmp_path / "encoder")
    more = """
[base.augmentation.mood.extra]
path = "extra.csv"
fraction = 1.0
[base.pretraining]
nli = { examples = 8 }
nli_file = { path = "pairs.csv" }
"""
    for split in ("train", "dev"):
        (tmp_path / f"{split}.csv").write_text("id,text,mood\n1,the film is great,neg\n2,the plot is thin,pos\n")
    (tmp_path / "extra.csv").write_text("id,text,mood\n1,日本 語,neg\n2,the plot,pos\n")
    (tmp_path / "pairs.csv").write_text(
        "sentence_A\tsentence_B\tentailment_label\nthe film\t日 本\tENTAILMENT\nthe plot\tis thin\tNEUTRAL\n"
    )
    text = STUDY.replace("ENCODER", str(encoder)).replace("[space]", f"{more}[space]")
    spec = load_study(write(tmp_path, text), data=tmp_path)
    report = check_nli_files(spec, check_further(check_data(spec.base), spec, tmp_path / "answers"))
    warnings = survey_encoders(report, spec, tmp_path / "cache", read_folders(spec)).warnings
    assert [line.partition(" are unknown")[0] for line in warnings if "[UNK]" in line] == [
        "mood: 60% of all tokens in further examples of extra",
        "pretraining.nli_file: 25% of all tokens in pairs.csv",
    ]


def test_an_encoder_that_cannot_be_read_is_left_to_whoever_loads_it(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert surveyed(tmp_path, "the film", str(tmp_path / "empty")) == ({}, ())
