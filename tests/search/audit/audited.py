"""Small data files, and their tasks as an audit reads them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.config import RunConfig
from search.audit.examples import AuditedTask, read_tasks
from search.audit.findings import Finding

Row = tuple[str, ...]
"""An id, one sentence or two, and the label."""

MOOD = {
    "kind": "classify",
    "classes": ["neg", "pos"],
    "metric": "accuracy",
    "columns": {"id": "id", "sentences": ["text"], "label": "label"},
}
SAME = {
    "kind": "classify-pair",
    "classes": ["other", "same"],
    "metric": "accuracy",
    "columns": {"id": "id", "sentences": ["first", "second"], "label": "label"},
}
NEAR = {**SAME, "kind": "score-pair", "score_range": [0.0, 5.0], "metric": "pearson"}
del NEAR["classes"]


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def write_task(folder: Path, name: str, task: dict[str, Any], **splits: Iterable[Row]) -> dict[str, Any]:
    """Write ``NAME-SPLIT.csv`` for each split, and return the task's table of a study file, with its files."""
    columns = [task["columns"]["id"], *task["columns"]["sentences"], task["columns"]["label"]]
    for split, rows in splits.items():
        write_rows(folder / f"{name}-{split}.csv", columns, rows)
    return {**task, "files": {split: f"{name}-{split}.csv" for split in splits}}


def base_of(folder: Path, **tasks: dict[str, Any]) -> RunConfig:
    sections = {name: {"spec": {"name": name, **task}} for name, task in tasks.items()}
    return RunConfig.model_validate({"tasks": sections, "data": {"directory": str(folder)}})


def task_of(folder: Path, task: dict[str, Any], train: Iterable[Row], dev: Iterable[Row]) -> AuditedTask:
    """Return a task ``mine`` with these rows."""
    base = base_of(folder, mine=write_task(folder, "mine", task, train=train, dev=dev))
    return read_tasks(base, (), folder / "faults.txt")["mine"]


def found(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """Return the id, reason and detail of each finding."""
    return [(one.id, str(one.reason), one.detail) for one in findings]


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    return dict(Counter(str(one.reason) for one in findings))
