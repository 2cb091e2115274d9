"""Rows joined by two lone quotes are found, and text over several lines is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.reading import RawSplit, read_split
from data.tasks import Columns, Kind, SplitFiles, TaskSpec

LONE = """\
id\ttext\tmood
1\t"Great film , he said .\tpos
2\tawful\tneg
3\tgood\tpos
4\tand that was it . "\tneg
5\tlast\tpos
"""
ADVICE = 'if quotes are plain text in this file, set quoting = "none", else write a quote inside a quoted cell twice'


def read(folder: Path, text: str, kind: Kind = Kind.CLASSIFY, **changes: object) -> RawSplit:
    spec = TaskSpec.model_validate(
        {
            "name": "mood",
            "kind": kind,
            "files": SplitFiles(train="train.csv", dev="train.csv", test="train.csv"),
            "columns": Columns(sentences=("text",), label="mood"),
            "metric": "spearman" if kind.is_score else "accuracy",
            **({"score_range": (0, 5)} if kind.is_score else {"classes": ("neg", "pos")}),
            **changes,
        }
    )
    (folder / "train.csv").write_text(text, encoding="utf-8", newline="")
    return read_split(spec, folder, "train" if "mood" in text else "test")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_two_lone_quotes(tmp_path: Path, delimiter: str, end: str) -> None:
    text = LONE.replace(" ,", "").replace("\t", delimiter).replace("\n", end)
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == (
        f"{tmp_path}/train.csv: 4 of 5 rows are malformed, but at most 0.1 % may be skipped; fix them: train.csv:2: "
        f"the quote that opens in line 2 closes in line 5, and 4 of these 4 lines look like rows; {ADVICE}"
    )


def test_quotes_that_are_plain_text(tmp_path: Path) -> None:
    raw = read(tmp_path, LONE, quoting="none")
    assert raw.ids == ["1", "2", "3", "4", "5"]
    assert raw.sentences[0] == ('"Great film , he said .',)
    assert raw.sentences[3] == ('and that was it . "',)


@pytest.mark.parametrize(
    ("text", "opens", "closes"),
    [
        ('id,text,mood\n1,"a,pos\n2,b",neg\n', 2, 3),
        ('id\ttext\n1\t"a\n2\tb"\n', 2, 3),  # a test file
        ('id,text\nr1,"a\nr2,b"\n', 2, 3),
        ('mood,id,text\npos,1,"two\nlines"\npos,2,"a\nneg,3,b"\n', 4, 5),
        ('id,text,mood,note\n1,"two\nlines",pos,"\n2,b,neg,"\n', 3, 4),
    ],
)
def test_wherever_the_quotes_are(tmp_path: Path, text: str, opens: int, closes: int) -> None:
    with pytest.raises(UserError, match=f"the quote that opens in line {opens} closes in line {closes}, and 2 of"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        'id\ttext\tmood\n1\t"two\n\nlines"\tpos\n',
        'id,text,mood\n1,"Hello, world\nthis, is, it\nfriends, bye",pos\n',  # lines of 3 cells, but no labels
        'id,text,mood\n1,"I ate, apples\nand, I am, pos",pos\n',
        'id,text\n1,"Hello\nworld, friends"\n',  # lines of 2 cells, but an id of another kind
        'text\n"Hello\nworld"\n',
    ],
)
def test_text_over_several_lines(tmp_path: Path, text: str) -> None:
    columns = Columns(id="id" if "id" in text else None, sentences=("text",), label="mood")
    raw = read(tmp_path, text, columns=columns)
    assert (len(raw), raw.counts.several_lines) == (1, 1)


def test_scores(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the quote that opens in line 2 closes in line 4"):
        read(tmp_path, 'id,text,mood\n1,"a,3.5\n2,b,0\n3,c",2\n', Kind.SCORE)


def test_few_among_many_are_skipped_and_named(tmp_path: Path) -> None:
    raw = read(tmp_path, LONE.replace("5\t", "\n", 1) + "".join(f"{n}\tfine\tpos\n" for n in range(6, 6000)))
    (why,) = [row for row in raw.skipped if "quote" in row]
    assert why.startswith("train.csv:2: the quote that opens in line 2 closes in line 5")
