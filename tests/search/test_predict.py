"""How the lines of standard input become examples, and what the command refuses."""

from __future__ import annotations

import gzip
import io
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from core.model_files.model_folder import ENSEMBLE
from data.errors import UserError
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from search.console.cli import make_app
from search.predict import _parse_sentences, _read_lines, _refuse_table, main

SST, PARA, STS = (builtin_tasks()[name] for name in ("sst", "para", "sts"))


def test_lines_become_examples() -> None:
    assert _parse_sentences(["a fine day\r\n", "  another \n"], SST) == [("a fine day",), ("another",)]
    assert _parse_sentences(["one\t two \n"], STS) == [("one", "two")]
    assert _parse_sentences([], STS) == []


@pytest.mark.parametrize(
    ("spec", "line", "form"),
    [
        (SST, "\n", "one sentence"),
        (SST, "one\ttwo\n", "one sentence"),
        (STS, "one\n", "two sentences separated by a tab"),
        (STS, "one\t\n", "two sentences separated by a tab"),
        (STS, "one\ttwo\tthree\n", "two sentences separated by a tab"),
    ],
)
def test_a_line_with_too_few_or_too_many_sentences_is_named(spec: TaskSpec, line: str, form: str) -> None:
    good = "one\ttwo\n" if spec is STS else "one\n"
    with pytest.raises(UserError) as refused:
        _parse_sentences([good, line], spec)
    named = "sts" if spec is STS else "sst"
    assert str(refused.value) == f"standard input, line 2: task '{named}' reads {form} a line, got {line!r}"


def test_lines_that_are_not_utf_8_are_named() -> None:
    with pytest.raises(UserError, match="standard input, line 2: byte 0xe9 is not UTF-8; in Latin-1 it is 'é'"):
        _read_lines("good\nné\n".encode("latin-1"))


def test_a_folder_or_task_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / ENSEMBLE).write_text('{"shares": {"sst": {"trial-0001": 1.0}}}')
    for folder, words in [(tmp_path / "none", "no such folder"), (tmp_path, "the model has the tasks sst")]:
        ended = CliRunner().invoke(make_app(main), ["--model-dir", str(folder), "--task", "sts"], input="x\n")
        assert ended.exit_code == 2
        assert words in " ".join(ended.stderr.split())


@pytest.fixture
def predicted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose model is not loaded: it gives two fixed answers."""
    config = SimpleNamespace(tasks={"sst": SimpleNamespace(spec=SST), "sts": SimpleNamespace(spec=STS)})
    outputs = {"sst": np.array([[0.1, 0.2, 0.5, 0.1, 0.1], [0, 0, 0, 0, 1.0]]), "sts": np.array([1.25, 4.5])}
    monkeypatch.setattr("core.model_files.model_folder.load_run_config", lambda _: config)
    monkeypatch.setattr("search.predict._predict", lambda _shares, spec, *_: outputs[spec.name])
    (tmp_path / ENSEMBLE).write_text('{"shares": {"sst": {"m": 1.0}, "sts": {"m": 1.0}}}')
    return tmp_path


def test_classes_are_printed_by_name_and_scores_as_numbers(predicted: Path) -> None:
    def printed(*arguments: str, text: str) -> list[str]:
        done = CliRunner().invoke(make_app(main), ["--model-dir", str(predicted), *arguments], input=text)
        assert done.exit_code == 0, done.stderr
        return done.stdout.splitlines()

    assert printed("--task", "sst", text="a\nb\n") == [SST.classes[2], SST.classes[4]]
    assert printed("--task", "sst", "--probabilities", text="a\nb\n") == [
        "\t".join(["prediction", *SST.classes]),
        "\t".join([SST.classes[2], "0.1000", "0.2000", "0.5000", "0.1000", "0.1000"]),
        "\t".join([SST.classes[4], "0.0000", "0.0000", "0.0000", "0.0000", "1.0000"]),
    ]
    scores = printed("--task", "sts", "--probabilities", text="a\tb\nc\td\n")
    assert [float(line) for line in scores] == [1.25, 4.5]


def test_no_sentences_at_all(predicted: Path) -> None:
    ended = CliRunner().invoke(make_app(main), ["--model-dir", str(predicted), "--task", "sst"], input="")
    assert ended.exit_code == 2
    assert "standard input is empty; give one sentence per line" in " ".join(ended.stderr.split())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_as_people_have_it(encoding: str) -> None:
    content = "ein schöner Film\r\nbad\n".encode(encoding)
    assert _parse_sentences(_read_lines(content), SST) == [("ein schöner Film",), ("bad",)]
    assert _read_lines(gzip.compress(content)) == _read_lines(content)


def test_lines_end_at_line_feeds_only() -> None:
    assert _read_lines("a\u2028b\n\nc".encode()) == ["a\u2028b", "", "c"]
    assert _read_lines(b"") == []


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("quoting", ["minimal", "none"])
def test_a_table_is_refused_with_the_way_to_read_it(
    delimiter: str, quoting: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = PARA.model_copy(update={"quoting": quoting})
    quote = '"' if quoting == "minimal" else ""
    rows = [
        ("id", "sentence1", "sentence2", "is_duplicate"),
        ("7", f"{quote}a  1{quote}", "b 2", ""),
        ("8", "", "NA", ""),
    ]
    table = "".join(delimiter.join(row) + "\n" for row in rows)
    with pytest.raises(UserError, match="line 1: 'id', 'sentence1', 'sentence2', 'is_duplicate' are columns") as caught:
        _refuse_table(_read_lines(table.encode()), spec)
    assert "\n" not in str(caught.value)
    command = shlex.split(str(caught.value).partition("run ")[2])
    assert command[:2] == ["python", "-c"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(table))
    exec(command[2], {})
    assert capsys.readouterr().out == "a 1\tb 2\n\tNA\n"


@pytest.mark.parametrize(
    "header", ["sentence\nfine\n", "\tid\tsentence\tsentiment\n0\tx\tfine\t3\n", '"id","sentence"\na,b\n']
)
def test_headers(header: str) -> None:
    with pytest.raises(UserError, match=r"standard input, line 1: .*'sentence'.* are columns of task 'sst'"):
        _refuse_table(_read_lines(header.encode()), SST)


@pytest.mark.parametrize("text", ["sentence\n", "this sentence, id and sentiment\nfine\n", "fine\nsentence\n", ""])
def test_sentences_with_the_same_words(text: str) -> None:
    _refuse_table(_read_lines(text.encode()), SST)
