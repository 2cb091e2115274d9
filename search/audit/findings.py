"""Rows of data files that deserve a look, and what each topic of an audit has to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from search.display.table import Table
from search.report.parts import Fold, Note, ReportSection

__all__ = ["COLUMNS", "Finding", "Reason", "Topic", "findings_fold", "findings_frame", "findings_table"]

COLUMNS = ("task", "split", "id", "line", "reason", "detail", "text", "text_2", "file")
"""Columns of ``findings.csv``; ``text_2`` is the second sentence of a pair."""
_SHOWN = 100  # rows of a table in the page
_WIDEST = 160  # characters of a sentence in it


class Reason(StrEnum):
    """Why a row deserves a look, in the order in which reasons are listed."""

    LIKELY_WRONG = "likely wrong label"
    CONFLICT = "label conflict"
    SWAPPED_CONFLICT = "label conflict when swapped"
    EQUAL_SENTENCES = "equal sentences"
    IN_TRAIN = "in train"
    NEARLY_IN_TRAIN = "nearly in train"
    SENTENCE_IN_TRAIN = "sentence in train"
    IN_OTHER_TASK = "in train of another task"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near-duplicate"
    LEFT_OUT = "left out"
    NO_TEXT = "no text"
    REPLACED = "replacement character"
    MOJIBAKE = "mojibake"
    HTML = "HTML"
    FOREIGN = "other script"
    LONG = "very long"
    CUT = "cut"
    ODD_ID = "suspicious id"
    ID_AGAIN = "id in several splits"


@dataclass(frozen=True)
class Finding:
    """One reason to look at one row.

    Attributes:
        task: name of the task.
        split: train, dev or test.
        id: of the example; empty for a row that could not be read.
        line: of the row in the file, from 1; None if it is not known.
        reason: kind of finding.
        detail: what was found in this row.
        sentences: of the example; none for a row that could not be read.
        file: path of the file.
    """

    task: str
    split: str
    id: str
    line: int | None
    reason: Reason
    detail: str
    sentences: tuple[str, ...]
    file: str


@dataclass(frozen=True)
class Topic:
    """A section of the page, with the rows and warnings that it rests on.

    Attributes:
        section: for the page.
        findings: rows to look at.
        warnings: lines for the terminal, each about a task as a whole.
    """

    section: ReportSection
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table with :data:`COLUMNS`, one row each, by reason."""
    rows = [
        (one.task, one.split, one.id, one.line, one.reason, one.detail, *_two(one.sentences), one.file)
        for one in by_reason(findings)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"line": "Int64"})


def _two(sentences: Sequence[str]) -> tuple[str, str]:
    first, second = [*sentences, "", ""][:2]
    return first, second


def findings_table(findings: Iterable[Finding]) -> Table:
    """Count findings by reason, task and split."""
    counts = Counter((one.reason, one.task, one.split) for one in by_reason(findings))
    rows = tuple((str(reason), task, split, f"{count:,}") for (reason, task, split), count in counts.items())
    return Table("Rows to look at", ("reason", "task", "split", "rows"), rows)


def by_reason(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order of their reasons; those of one reason stay in theirs."""
    order = {reason: number for number, reason in enumerate(Reason)}
    return sorted(findings, key=lambda one: order[one.reason])


def findings_fold(title: str, findings: Sequence[Finding]) -> list[Fold]:
    """Return the first findings as a table that the reader can open; nothing without findings."""
    if not findings:
        return []
    rows = tuple(
        (one.task, _place(one), one.reason, one.detail, " | ".join(map(_cut, one.sentences)))
        for one in by_reason(findings)[:_SHOWN]
    )
    table = Table("", ("task", "place", "reason", "detail", "text"), rows)
    note = Note(f"The first {_SHOWN} of {len(findings):,}; findings.csv has all." if len(findings) > _SHOWN else "")
    return [Fold(title, (table, *([note] if note.text else [])))]


def _place(finding: Finding) -> str:
    return finding.split if finding.line is None else f"{finding.split}, line {finding.line}"


def _cut(sentence: str) -> str:
    text = " ".join(sentence.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1].rstrip()}…"
