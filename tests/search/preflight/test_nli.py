"""A file of NLI pairs that no trial could use is reported before the first trial."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.synthetic.corpus import write_corpus
from search.preflight.data import DataReport
from search.preflight.nli import check_nli_files
from search.study.file import load_study

Run = Callable[..., subprocess.CompletedProcess[str]]

HEADER = "sentence_A\tsentence_B\tentailment_label\n"
PAIRS = "a cat naps on a mat\tan animal sleeps there\tENTAILMENT\na cat naps on a mat\tno cat naps\tCONTRADICTION\n"
STUDY = """\
tasks = ["sst", "para", "sts"]
[base.pretraining.nli]
examples = 100
[base.pretraining.nli_file]
path = "nli.tsv"
[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"""
REPORT = DataReport({}, ("something",), "0" * 64, "0" * 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the tasks' files and nli.tsv."""
    write_corpus(tmp_path / "data", train=30, dev=10, test=10, seed=2)
    (tmp_path / "data" / "nli.tsv").write_text(HEADER + PAIRS)
    return tmp_path


def check(folder: Path, study: str = STUDY) -> DataReport:
    path = folder / "study.toml"
    path.write_text(study)
    return check_nli_files(load_study(path, data=folder / "data"), REPORT)


def refusal(folder: Path, study: str = STUDY) -> str:
    with pytest.raises(UserError) as caught:
        check(folder, study)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no file 'data/nli.tsv'; did you mean 'nil.tsv'?"),
        (
            HEADER.replace("sentence_B", "Sentence_B") + PAIRS,
            "data/nli.tsv: no column 'sentence_B'; the header has 'sentence_A', 'Sentence_B', 'entailment_label'; "
            "did you mean 'Sentence_B'? Use the name in the header",
        ),
        (HEADER + PAIRS.replace("ENTAILMENT", "entails"), "data/nli.tsv: 1 of 2 rows are malformed, but at most"),
        (HEADER, "data/nli.tsv: no rows below the header"),
    ],
    ids=["missing", "column", "label", "empty"],
)
def test_what_is_wrong_with_the_bases_file(folder: Path, content: str | None, message: str) -> None:
    path = folder / "data" / "nli.tsv"
    if content is None:
        path.rename(path.with_name("nil.tsv"))
    else:
        path.write_text(content)
    assert refusal(folder).startswith(f"pretraining.nli_file: {message}")


def test_a_file_of_what_the_tasks_know(folder: Path) -> None:
    sentence = (folder / "data" / "sts-dev.csv").read_text().splitlines()[1].split("\t")[2]
    pair = f"{sentence}\tsomething else\tNEUTRAL\n"
    (folder / "data" / "nli.tsv").write_text(HEADER + pair)
    assert "every pair has a sentence that is also in the tasks' files" in refusal(folder)
    assert check(folder, STUDY.replace("[space]", "leave_out_known = false\n[space]")).digest != REPORT.digest


def test_files_that_only_the_space_needs_are_reported_with_its_line(folder: Path) -> None:
    choice = '"pretraining.nli_file.path" = ["nli.tsv", "snli.tsv"]\n'
    assert refusal(folder, STUDY + choice) == (
        'study.toml:8: space."pretraining.nli_file.path".choices: snli.tsv is not allowed here: '
        "pretraining.nli_file: no file 'data/snli.tsv'; did you mean 'nli.tsv'?"
    )
    off = STUDY.replace("examples = 100", "examples = 0").replace('"nli.tsv"', '"none.tsv"')
    assert check(folder, off) is REPORT  # nothing reads it
    assert refusal(folder, f'{off}"pretraining.supervised_simcse.examples" = [0, 500]\n').startswith(
        'study.toml:8: space."pretraining.supervised_simcse.examples".choices: 500 is not allowed here: '
        "pretraining.nli_file: no file 'data/none.tsv'"
    )


def test_the_report_knows_the_files(folder: Path) -> None:
    """Trials before and after a change of the file could not be compared; what is not read is not looked at."""
    first = check(folder)
    assert first.warnings == REPORT.warnings
    assert check(folder) == first
    assert first.files == {"nli.tsv": hashlib.sha256((folder / "data" / "nli.tsv").read_bytes()).hexdigest()}
    path = folder / "data" / "nli.tsv"
    path.write_text(HEADER + PAIRS * 600 + "a\tb\n")
    second = check(folder)
    assert second.digest not in (first.digest, REPORT.digest)
    assert second.warnings == ("something", "skipped nli.tsv:1202: 2 cells, but the header has 3")


def test_a_study_is_refused_before_its_first_trial(tiny_study: str, tmp_path: Path, run_command: Run) -> None:
    file, runs = tmp_path / "nli.toml", tmp_path / "runs"
    stage = '[base.pretraining.nli]\nexamples = 40\n[base.pretraining.nli_file]\npath = "sick.csv"\n[space]'
    file.write_text(tiny_study.replace("[space]", stage))
    arguments: list[Any] = ["--study", file, "--runs-dir", runs, "--quiet"]
    refused = run_command("search.run", *arguments)
    corpus = runs / "nli" / "corpus"
    said = f"error: pretraining.nli_file: no file '{corpus / 'sick.csv'}'\n"
    assert (refused.returncode, refused.stderr) == (2, said)
    assert not (runs / "studies.db").exists()
