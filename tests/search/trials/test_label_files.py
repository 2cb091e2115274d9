"""Labels of test examples: which file has them, and how it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.reading import read_split
from data.tables.read import read_table
from data.tasks import TaskSpec
from search.trials.label_files import check_numbered, find_labels, label_file_names, read_labels

SPEC = TaskSpec.model_validate(
    {
        "name": "mood",
        "kind": "classify",
        "files": {"train": "t.csv", "dev": "d.csv", "test": "mood-test-student.csv"},
        "columns": {"id": "id", "sentences": ["text"], "label": "mood"},
        "classes": ["sad", "happy"],
        "metric": "accuracy",
    }
)
WITHOUT_ID = SPEC.model_copy(update={"columns": SPEC.columns.model_copy(update={"id": None})})


def read(text: str, spec: TaskSpec = SPEC) -> tuple[list[str], list[int]]:
    ids, labels = read_labels(spec, Path("l.csv"), read_table(text.encode(), "l.csv"))
    return ids, np.asarray(labels).tolist()


def test_names_of_files() -> None:
    assert label_file_names(SPEC) == [
        "mood-test-student.csv", "mood-test-labels.csv", "mood-labels.csv", "mood-test.csv", "mood.csv",
    ]  # fmt: skip
    without = SPEC.model_copy(update={"files": SPEC.files.model_copy(update={"test": None})})
    assert label_file_names(without)[0] == "mood-test-labels.csv"


def test_the_first_file_with_labels_is_found(tmp_path: Path) -> None:
    assert find_labels(SPEC, tmp_path) is None
    (tmp_path / "mood-test-student.csv").write_text("id,text\n1,a\n")  # two columns, but none of labels
    (tmp_path / "mood.csv").write_text("id,mood\n1,sad\n")
    (tmp_path / "mood-labels.csv").write_text("1,sad\n2,happy\n")
    found = find_labels(SPEC, tmp_path)
    assert found is not None
    assert found[0].name == "mood-labels.csv"
    (tmp_path / "mood-test-student.csv").write_text("id,text,mood\n1,a,sad\n")
    found = find_labels(SPEC, tmp_path)
    assert found is not None
    assert found[0].name == "mood-test-student.csv"


@pytest.mark.parametrize(
    ("text", "spec", "ids", "labels"),
    [
        ("id,text,mood\na,x,happy\nb,y,sad\n", SPEC, ["a", "b"], [1, 0]),
        ("id,text,mood\na,x,\nb,y,1\n", SPEC, ["b"], [1]),  # an empty label is left out; 1 is an index
        ("text,mood\nx,sad\ny,\nz,happy\n", WITHOUT_ID, ["0", "2"], [0, 1]),
        ("text,mood\nx,sad\ny,\nz,happy\n", SPEC, ["0", "2"], [0, 1]),  # the default column may be missing
        ("number,label\na,happy\n", SPEC, ["a"], [1]),
        ("a,happy\nb,sad\n", SPEC, ["a", "b"], [1, 0]),  # no header
    ],
)
def test_layouts(text: str, spec: TaskSpec, ids: list[str], labels: list[int]) -> None:
    assert read(text, spec) == (ids, labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,text,mood\na,x,sad\na,y,sad\n", "l.csv:3: the id 'a' occurs twice"),
        ("id,text,mood\na,x,hapy\n", "l.csv:2: "),
        ("id,text,mood\na,x,\n", "l.csv: contains no labels"),
        ("x,more,mood\na,x,sad\n", "l.csv: no column 'id'; the header has 'x', 'more', 'mood'"),
        ("id,text,mood\na,x\n", "l.csv:2: "),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(text)
    assert str(caught.value).startswith(message)


def test_rows_that_two_lone_quotes_join_are_named() -> None:
    """Their labels would be missing, or belong to other examples."""
    with pytest.raises(
        UserError, match=r"^l\.csv:2: the quote that opens in line 2 closes in line 3, and 2 of these 2"
    ):
        read('id,text,mood\n1,"a,sad\n2,b",happy\n')
    assert read('id,text,mood\n1,"two\nlines",sad\n2,b,happy\n') == (["1", "2"], [0, 1])


def test_json_lines(tmp_path: Path) -> None:
    rows = '{"id": 7, "mood": "happy"}\n{"id": 8, "mood": null}\n{"id": 9, "mood": 0}\n'
    (tmp_path / "mood-labels.csv").write_text(rows)
    found = find_labels(SPEC, tmp_path)
    assert found is not None
    ids, labels = read_labels(SPEC, *found)
    assert (ids, labels.tolist()) == (["7", "9"], [1, 0])
    with pytest.raises(UserError, match=r"^l\.csv:2: id or label is a list or an object"):
        read('{"id": 7, "mood": "happy"}\n{"id": 8, "mood": ["sad"]}\n')


def test_row_numbers_match_predictions_for_the_same_rows_only() -> None:
    """Ids of a file are often numbers too, which would match the rows of other texts."""
    table = read_table(b"text,mood\nx,sad\ny,\nz,happy\n", "l.csv")
    check_numbered(SPEC, Path("l.csv"), table, ["0", "1", "2"])
    check_numbered(WITHOUT_ID, Path("l.csv"), table, ["1", "2", "3"])  # the user's choice
    with pytest.raises(UserError) as caught:
        check_numbered(SPEC, Path("l.csv"), table, ["1", "2", "3"])
    assert str(caught.value) == (
        "l.csv: no column 'id', and the ids of the predictions are not the row numbers from 0; add the column to the "
        "labels"
    )


@pytest.mark.parametrize("with_ids", [True, False])
def test_of_a_training_file_only_the_rows_taken_for_test_have_labels(tmp_path: Path, with_ids: bool) -> None:
    fields = SPEC.model_dump() | {"files": {"train": "all.csv"}, "split": {"dev": 0.2, "test": 0.2}}
    spec = TaskSpec.model_validate(fields)
    rows = [f"n{n},unlike{n} text{n} own{n},{('sad', 'happy')[n % 2]}\n" for n in range(50)]
    lines = ["id,text,mood\n", *rows]
    (tmp_path / "all.csv").write_text("".join(line if with_ids else line.partition(",")[2] for line in lines))
    test = read_split(spec, tmp_path, "test")
    found = find_labels(spec, tmp_path)
    assert found is not None
    ids, labels = read_labels(spec, *found)
    assert (ids, np.asarray(labels).tolist()) == (test.ids, np.asarray(test.labels).tolist())
    assert len(ids) == 10
    check_numbered(spec, *found, test.ids)
