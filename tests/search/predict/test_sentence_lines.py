"""How the lines of standard input become texts, and what is refused."""

from __future__ import annotations

import gzip

import pytest

from data.errors import UserError
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from search.predict.sentence_lines import parse_sentences, read_lines, refuse_table

SST, PARA, STS = (builtin_tasks()[name] for name in ("sst", "para", "sts"))


def test_lines_become_examples() -> None:
    assert parse_sentences(["a fine day\r\n", "  another \n"], SST) == ["a fine day", "another"]
    assert parse_sentences(["one\t two \n"], STS) == [("one", "two")]
    assert parse_sentences([], STS) == []


def test_an_empty_line_is_an_empty_text() -> None:
    assert parse_sentences(["", "\r\n", " "], SST) == ["", "", ""]
    assert parse_sentences(["one\t", "\ttwo\n", "\t"], STS) == [("one", ""), ("", "two"), ("", "")]


@pytest.mark.parametrize(
    ("spec", "line", "form"),
    [
        (SST, "one\ttwo\n", "one sentence"),
        (STS, "one\n", "two sentences separated by a tab"),
        (STS, "\n", "two sentences separated by a tab"),
        (STS, "one\ttwo\tthree\n", "two sentences separated by a tab"),
    ],
)
def test_a_line_with_too_few_or_too_many_sentences_is_named(spec: TaskSpec, line: str, form: str) -> None:
    good = "one\ttwo\n" if spec is STS else "one\n"
    with pytest.raises(UserError) as refused:
        parse_sentences([good, line], spec)
    named = "sts" if spec is STS else "sst"
    assert str(refused.value) == f"standard input, line 2: task '{named}' reads {form} a line, got {line!r}"


def test_lines_that_are_not_utf_8_are_named() -> None:
    with pytest.raises(UserError, match="standard input, line 2: byte 0xe9 is not UTF-8; in Latin-1 it is 'é'"):
        read_lines("good\nné\n".encode("latin-1"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_as_people_have_it(encoding: str) -> None:
    content = "ein schöner Film\r\nbad\n".encode(encoding)
    assert parse_sentences(read_lines(content), SST) == ["ein schöner Film", "bad"]
    assert read_lines(gzip.compress(content)) == read_lines(content)


def test_lines_end_at_line_feeds_only() -> None:
    assert read_lines("a\u2028b\n\nc".encode()) == ["a\u2028b", "", "c"]
    assert read_lines(b"") == []


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_a_table_is_pointed_to_the_option_that_reads_it(delimiter: str) -> None:
    table = delimiter.join(("id", "sentence1", "sentence2", "is_duplicate")) + "\n" + delimiter.join("7abc") + "\n"
    with pytest.raises(UserError, match="line 1: 'id', 'sentence1', 'sentence2', 'is_duplicate' are columns") as caught:
        refuse_table(read_lines(table.encode()), PARA)
    assert str(caught.value).endswith("; for a table, give --input TABLE and --output PREDICTIONS instead")


@pytest.mark.parametrize(
    "header", ["sentence\nfine\n", "\tid\tsentence\tsentiment\n0\tx\tfine\t3\n", '"id","sentence"\na,b\n']
)
def test_headers(header: str) -> None:
    with pytest.raises(UserError, match=r"standard input, line 1: .*'sentence'.* are columns of task 'sst'"):
        refuse_table(read_lines(header.encode()), SST)


@pytest.mark.parametrize("text", ["sentence\n", "this sentence, id and sentiment\nfine\n", "fine\nsentence\n", ""])
def test_sentences_with_the_same_words(text: str) -> None:
    refuse_table(read_lines(text.encode()), SST)
