"""Findings as a CSV file and as tables."""

from __future__ import annotations

from io import StringIO

import pandas as pd

from search.audit.findings import COLUMNS, Finding, Reason, findings_fold, findings_frame, findings_table
from search.display.csv_text import csv_text
from search.display.table import Table

FINDINGS = [
    Finding("a", "train", "7", 3, Reason.HTML, "<br>", ("one, \"two\"\nthree",), "d/a.csv"),
    Finding("a", "train", "", None, Reason.LEFT_OUT, "no label", (), "d/a.csv"),
    Finding("b", "dev", "x", 9, Reason.CONFLICT, "'p' here", ("=1+1", "[red]two"), "d/b.csv"),
]  # fmt: skip


def test_pandas_reads_the_csv_file() -> None:
    read = pd.read_csv(StringIO(csv_text(findings_frame(FINDINGS))))
    assert tuple(read.columns) == COLUMNS
    assert read["reason"].tolist() == ["label conflict", "left out", "HTML"]  # by importance
    assert read["line"].dropna().tolist() == [9, 3]
    assert read["text"].tolist()[2] == 'one, "two"\nthree'
    assert read["text"].tolist()[0] == "'=1+1"  # a spreadsheet evaluates nothing
    assert read["text_2"].tolist()[0] == "[red]two"


def test_no_finding_is_a_file_with_columns_only() -> None:
    assert csv_text(findings_frame([])).strip() == ",".join(COLUMNS)


def test_counts_by_reason_task_and_split() -> None:
    table = findings_table([*FINDINGS, FINDINGS[0]])
    assert table.rows == (
        ("label conflict", "b", "dev", "1"), ("left out", "a", "train", "1"), ("HTML", "a", "train", "2")
    )  # fmt: skip


def test_a_fold_has_the_first_findings_and_says_how_many_there_are() -> None:
    assert findings_fold("none", []) == []
    (fold,) = findings_fold("many", FINDINGS * 100)
    table, note = fold.parts
    assert isinstance(table, Table)
    assert len(table.rows) == 100
    assert table.rows[0] == ("b", "dev, line 9", "label conflict", "'p' here", "=1+1 | [red]two")
    assert "The first 100 of 300" in note.text  # type: ignore[union-attr]
