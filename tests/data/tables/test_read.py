"""A table is the same whatever its file's format; what a file is, its content says."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data.errors import UserError
from data.reading import RawSplit, check_header, parse_split
from data.tables.read import count_rows, read_beginning, read_table
from data.tasks import SplitName, TaskSpec

SPEC = TaskSpec.model_validate(
    {
        "name": "mood",
        "kind": "classify-pair",
        "files": {"train": "t", "dev": "d"},
        "columns": {"sentences": ["a", "b"], "label": "mood"},
        "classes": ["neg", "pos", "1", "2"],
        "metric": "accuracy",
    }
)
HEADER = ["id", "a", "b", "mood", "note"]

Cells = list[str | None]


def delimited(delimiter: str, end: str) -> Callable[[list[Cells]], bytes]:
    def write(rows: list[Cells]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
        return text.getvalue().encode()

    return write


def objects(rows: list[Cells]) -> list[dict[str, str | int | None]]:
    """Leave some empty cells out, and write some numbers as numbers."""
    return [
        {name: int(cell) if cell in ("1", "2") else cell for name, cell in zip(HEADER, row, strict=True) if cell != ""}
        for row in rows
    ]


def json_lines(rows: list[Cells]) -> bytes:
    header = json.dumps(dict.fromkeys(HEADER))  # a row of nulls is an empty one, and shows all keys
    return "".join(f"{one}\n" for one in [header, *map(json.dumps, objects(rows))]).encode()


def json_array(rows: list[Cells]) -> bytes:
    return json.dumps([dict.fromkeys(HEADER), *objects(rows)], ensure_ascii=False, indent=1).encode()


def parquet(rows: list[Cells]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    columns = {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(HEADER)}
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[list[Cells]], bytes]] = {
    "csv": delimited(",", "\n"),
    "csv with semicolons": delimited(";", "\r\n"),
    "tsv": delimited("\t", "\n"),
    "json lines": json_lines,
    "json array": json_array,
    **({"parquet": parquet} if find_spec("pyarrow") else {}),
}
TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\0\t", codec="utf-8"), max_size=8),
    st.text(st.sampled_from(list("ab \n\r\",';😀é[]{}\\\u2028\u200b")), max_size=8),
)
ROW = st.tuples(TEXT, TEXT, st.sampled_from(["neg", "pos", "1", "2", "1.0", "", None]), TEXT)


def outcome(content: bytes, split: SplitName, *, numbered: bool) -> tuple[object, ...]:
    columns = SPEC.columns.model_copy(update={"id": None if numbered else "id"})
    try:
        raw = parse_split(SPEC.model_copy(update={"columns": columns}), split, content, Path("f"), ["note"])
    except UserError:  # its lines differ
        return ("refused",)
    return raw.ids, raw.sentences, None if raw.labels is None else raw.labels.tolist(), raw.digest, raw.other_columns


@given(rows=st.lists(ROW, min_size=1, max_size=6), split=st.sampled_from(["train", "test"]), numbered=st.booleans())
def test_every_format_gives_the_same_rows(
    rows: list[tuple[str, str, str | None, str]], split: SplitName, numbered: bool
) -> None:
    # JSON begins with a row of nulls here, which is counted: the others get one too.
    table: list[Cells] = [[f"r{number}", a, b, mood, note] for number, (a, b, mood, note) in enumerate(rows)]
    empty: Cells = [""] * len(HEADER)
    found = {}
    for name, write in FORMATS.items():
        content = write(table if name.startswith("json") else [empty, *table])
        found[name] = outcome(content, split, numbered=numbered)
        assert outcome(gzip.compress(content, mtime=0), split, numbered=numbered) == found[name]
    assert all(one == found["csv"] for one in found.values())
    assume(found["csv"] != ("refused",))


@pytest.mark.parametrize(
    ("classes", "values", "expected"),
    [
        (("1", "2"), [1, 2], [0, 1]),
        (("1", "2"), [1.0, 2.0], [0, 1]),
        (("no", "yes"), [False, True], [0, 1]),
        (("true", "false"), [False, True], [1, 0]),
        ((), [1, 2.5], [1.0, 2.5]),
    ],
)
def test_labels_that_are_numbers_or_booleans(
    classes: tuple[str, ...], values: list[object], expected: list[float]
) -> None:
    rules = {"classes": classes, "metric": "accuracy"} if classes else {"score_range": (0, 5), "metric": "pearson"}
    spec = TaskSpec.model_validate(
        {
            "name": "x",
            "kind": "classify" if classes else "score",
            "files": SPEC.files,
            "columns": {"sentences": ["a"], "label": "y"},
            **rules,
        }
    )
    contents = {
        "csv": "a,y\n" + "".join(f"t,{value}\n" for value in values),
        "jsonl": "".join(json.dumps({"a": "t", "y": value}) + "\n" for value in values),
    }
    files = {name: text.encode() for name, text in contents.items()}
    if find_spec("pyarrow"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(pa.table({"a": ["t", "t"], "y": values}), buffer)
        files["parquet"] = buffer.getvalue()
    for content in files.values():
        labels = parse_split(spec, "train", content, Path("f")).labels
        assert labels is not None
        assert labels.tolist() == expected


def read(text: str, split: SplitName = "train") -> RawSplit:
    return parse_split(SPEC, split, text.encode(), Path("f.jsonl"))


def test_text_over_several_lines_is_counted_and_suspects_nothing() -> None:
    cell = json.dumps("x\n1\tb\tc\tpos\n2\tb\tc\tpos")
    raw = read(f'{{"a": {cell}, "b": {cell}, "mood": "neg"}}\n{{"a": "y", "b": "z", "mood": "neg"}}\n')
    assert (len(raw), raw.counts.several_lines) == (2, 1)


@pytest.mark.parametrize("column", ["a", "mood", "id"])
def test_lists_and_objects_are_malformed_where_the_task_reads_them(column: str) -> None:
    row = {"id": "1", "a": "x", "b": "y", "mood": "neg", "note": ["n"], column: {"text": "x"}}
    good = "".join(json.dumps({**row, column: "neg", "id": f"g{number}"}) + "\n" for number in range(1000))
    raw = read(json.dumps(row) + "\n" + good)
    name = column if column == "a" else {"mood": "label"}.get(column, "id")
    assert raw.skipped == [f"f.jsonl:1: {name} is a list or an object; a row has one text or number per column"]
    assert len(raw) == 1000


def test_a_list_as_the_label_of_a_test_row_is_none() -> None:
    raw = read('{"id": "1", "a": "x", "b": "y", "mood": [1]}\n', "test")
    assert (raw.ids, raw.labels) == (["1"], None)


def test_malformed_lines_are_named_and_few_are_skipped() -> None:
    row = '{"a": "x", "b": "y", "mood": "neg"}\n'
    raw = read(row + '{"a": "x"\n' + row * 1000)
    assert raw.skipped == ["f.jsonl:2: not valid JSON: Expecting ',' delimiter at character 10"]
    with pytest.raises(UserError, match=r"^f.jsonl: 1 of 3 rows are malformed, .* fix them: f.jsonl:2: not valid JSON"):
        read(row + '{"a": "x"\n' + row)


def test_the_rows_of_repeated_ids_are_named() -> None:
    row = '{"id": 7, "a": "x", "b": "y", "mood": "neg"}\n'
    with pytest.raises(UserError, match="'7' is in lines 1 and 3"):
        read(row + "\n" + row)


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "x")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (zipped("[Content_Types].xml"), "an Excel workbook (.xlsx); save the sheet as CSV in UTF-8"),
        (b"ARROW1\0\0", "an Arrow file; write its rows to a CSV file"),
        (b"FEA1", "a Feather file; write its rows to a CSV file"),
        (b"<html>", "a web page or XML, no table; check where it was downloaded from"),
    ],
)
def test_other_formats_are_named(content: bytes, named: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_table(content, "x.xlsx")
    assert str(caught.value) == f"x.xlsx: the file is {named}"
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(UserError) as early:
        check_header(SPEC, "train", tmp_path / "x.xlsx")
    assert str(early.value) == f"{tmp_path}/{caught.value}"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rows", [3, 4000])
def test_the_beginning_has_the_columns(name: str, rows: int, tmp_path: Path) -> None:
    table: list[Cells] = [[str(number), "text " * 5, "b", "neg", "n"] for number in range(rows)]
    path = tmp_path / "f"
    path.write_bytes(FORMATS[name](table))
    beginning = read_beginning(path)
    assert beginning is not None
    assert beginning.header == HEADER
    assert len(beginning.records) < 4000
    check_header(SPEC, "train", path)
    with pytest.raises(UserError, match="no column 'mood'; the header has 'id', 'a', 'b'"):
        path.write_bytes(path.read_bytes().replace(b"mood", b"odom"))
        check_header(SPEC, "train", path)
    path.write_bytes(gzip.compress(b"id\n"))
    assert read_beginning(path) is None


@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_counted(name: str, tmp_path: Path) -> None:
    table: list[Cells] = [[str(number), "text", "b", "neg", "n"] for number in range(2000)]
    content = FORMATS[name](table)
    path = tmp_path / "f"
    for written in (content, gzip.compress(content)):
        path.write_bytes(written)
        assert count_rows(path) == 2000 + (name == "json lines")  # its line of nulls is not parsed
