"""Audit a study's data: run all topics, write the page and ``findings.csv``, and print a summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import optuna

from core.run.atomic_files import write_atomically
from data.errors import UserError
from search.audit.duplicates import duplicates_topic
from search.audit.examples import read_tasks
from search.audit.findings import Topic, findings_frame, findings_table
from search.audit.label_errors import label_errors_topic
from search.audit.labels import labels_topic
from search.audit.leakage import leakage_topic
from search.audit.lengths import lengths_topic
from search.audit.rows import rows_topic
from search.display.console import make_console, working
from search.display.csv_text import csv_text
from search.display.pages import page_source, render_page
from search.display.table import Table
from search.display.terminal_table import print_result
from search.preflight.data import with_synthetic_data
from search.recorded.provenance import code_version
from search.recorded.study_folder import open_folders
from search.report.html import shown_section
from search.report.parts import Part, ReportSection
from search.storage.open import open_recorded
from search.storage.study_names import recorded_names
from search.study.spec import StudySpec

__all__ = ["audit_data", "write_and_show"]

PAGE, CSV = "audit.html", "findings.csv"


def write_and_show(spec: StudySpec, data: Path | None, out: Path | None, storage: str | None, runs_dir: Path) -> None:
    """Write ``audit.html`` (self-contained) and ``findings.csv``, and print what was found.

    Args:
        spec: the study.
        data: the folder with the tasks' files, if the user named one.
        out: folder to write; by default ``runs_dir/STUDY/audit``.
        storage: URL; None for the default.
        runs_dir: contains the results of all studies.

    Raises:
        UserError: the data cannot be read; ``out`` has files of these names, but no audit.
        MachineError: a file cannot be written.
    """
    out = out or runs_dir / spec.name / "audit"
    if (out / CSV).exists() and not (out / PAGE).exists():
        raise UserError(f"{out} has a file '{CSV}' of another origin, and no audit; choose another folder")
    console = make_console()
    with working(console, "reading data"):
        spec = with_synthetic_data(spec, runs_dir)
        topics = audit_data(spec, data, storage, runs_dir)
    findings = [finding for topic in topics for finding in topic.findings]
    warnings = list(dict.fromkeys(line for topic in topics for line in topic.warnings))
    summary = findings_table(findings)
    sections = [_first(summary, warnings), *(topic.section for topic in topics)]
    page = render_page(
        "audit/audit.html.jinja",
        study=f"{spec.name}: data",
        sections=[shown_section(section) for section in sections],
        origin=f"onebert {code_version()}, study {spec.name}, data in {spec.base.data.directory}",
        tables_script=page_source("report/tables.js"),
        trials_script="",
    )
    for name, content in ((PAGE, page), (CSV, csv_text(findings_frame(findings)))):
        write_atomically(out / name, content.encode())
    lines = [*(f"note: {line}" for line in warnings), *(["no row deserves a look"] if not findings else [])]
    print_result(console, [summary] if findings else [], [*lines, str(out / PAGE), str(out / CSV)])


def _first(summary: Table, warnings: Sequence[str]) -> ReportSection:
    """Return the section at the beginning of the page: what was found."""
    count = sum(int(row[-1].replace(",", "")) for row in summary.rows)
    found = (
        f"{count:,} rows deserve a look, each for the reason in findings.csv; a row may be there for several reasons."
        if count
        else "No row deserves a look."
    )
    parts: list[Part] = [found, *warnings, *([summary] if count else [])]
    return ReportSection("summary", "", tuple(parts))


def audit_data(spec: StudySpec, data: Path | None, storage: str | None, runs_dir: Path) -> list[Topic]:
    """Return all topics of an audit, in the order of the page; see :func:`write_and_show`.

    Raises:
        UserError: the data cannot be read.
    """
    tasks = read_tasks(spec.base, spec.named_ids, runs_dir / spec.name / "malformed-rows.txt")
    study = _recorded(spec.name, storage, runs_dir)
    folders = None if study is None else open_folders(study, runs_dir)
    return [
        label_errors_topic(study, folders, data),
        labels_topic(tasks, spec.base),
        leakage_topic(tasks),
        duplicates_topic(tasks),
        rows_topic(tasks),
        lengths_topic(tasks, spec, runs_dir / "cache"),
    ]


def _recorded(name: str, storage: str | None, runs_dir: Path) -> optuna.Study | None:
    """Return the recorded study of this name, or None if it has not begun."""
    known = recorded_names(storage, runs_dir)
    if known is not None and name not in known:
        return None
    opened = open_recorded(storage, runs_dir)
    if name not in optuna.get_all_study_names(opened):
        return None
    return optuna.load_study(study_name=name, storage=opened)
