"""Write a report's files."""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage

from core.run.atomic_files import write_atomically, writing
from data.errors import UserError
from search.analysis.seed_comparison import Comparison
from search.display.csv_text import csv_text
from search.display.pages import page_source, render_page
from search.display.values import first_few
from search.recorded.provenance import code_version
from search.recorded.ranking import snapshot
from search.report.context import ReportContext
from search.report.html import shown_section
from search.report.markdown import markdown
from search.report.sections import SECTIONS
from search.report.sections.groups import check_columns
from search.trials.folders import TrialFolders

__all__ = ["CSV_FILES", "write_report"]


_NAMED = 5  # trials without their folders
CSV_FILES = tuple(
    f"{name}.csv"
    for name in (
        "trials", "settings", "curves", "importance", "effects", "comparison", "finalists", "ablation", "tradeoffs",
        "errors-*", "groups-*",
    )
)  # fmt: skip
"""Names of the CSV files that reports write, as patterns; those of an earlier report are deleted."""
_SCRIPTS = {f"{name}_script": page_source(f"report/{name}.js") for name in ("tables", "trials")}


def write_report(
    study: optuna.Study,
    folders: TrialFolders,
    out: Path,
    comparison: Comparison | None = None,
    data: Path | None = None,
    storage: BaseStorage | None = None,
    where: str = "",
    group_by: Sequence[str] = (),
) -> list[Path]:
    """Write ``report.html`` (self-contained), ``report.md`` and CSV files below ``out``; returns their paths.

    The study may be running: the report describes the trials as they are now. CSV files of an earlier report that this
    one does not have are deleted.

    Args:
        folders: where its trials left their curves and predictions.
        out: output folder; created if missing.
        comparison: of configurations over several seeds, if the study has them.
        data: the folder with the tasks' files, if it has moved.
        storage: where to look for the study's finalists and ablation; None: nowhere.
        where: options for the commands that the report names.
        group_by: columns of the dev files by which to show scores.

    Raises:
        UserError: if the study has no trial, no dev file has one of the columns ``group_by``, or ``out`` has files of a
            report's names but no report.
        MachineError: if ``out`` cannot be written.
    """
    study = snapshot(study)
    context = ReportContext(study, folders, comparison, data, storage, where, tuple(dict.fromkeys(group_by)))
    check_columns(context)
    _warn_of_lost_curves(context)
    sections = [section for make in SECTIONS if (section := make(context)) is not None]
    title, origin = study.study_name, f"onebert {code_version()}, study {study.study_name}"
    shown = [shown_section(section) for section in sections]
    files = {
        "report.html": render_page("report/report.html.jinja", study=title, sections=shown, origin=origin, **_SCRIPTS),
        "report.md": markdown(title, sections, origin),
    }
    frames = [pair for section in sections for pair in section.frames.items()]
    frames.sort(key=lambda pair: pair[0] != "trials.csv")  # the first to look at
    files |= {name: csv_text(frame) for name, frame in frames}
    _check_folder(out, files)
    for name, content in files.items():
        write_atomically(out / name, content.encode())
    _delete_others(out, files)
    return [out / name for name in files]


def _check_folder(out: Path, names: Iterable[str]) -> None:
    """Refuse a folder with files of a report's names but no report: they are the user's own."""
    if not (out / "report.html").exists():
        others = (path.name for pattern in CSV_FILES for path in out.glob(pattern))
        for name in (*names, *others):
            if (out / name).exists():
                raise UserError(f"{out} has a file '{name}' of another origin, and no report; choose another folder")


def _delete_others(out: Path, written: Container[str]) -> None:
    """Delete an earlier report's files, which would be mistaken for those of the new one."""
    for path in [path for pattern in CSV_FILES for path in out.glob(pattern)]:
        if path.name not in written:
            with writing(path):
                path.unlink()


def _warn_of_lost_curves(context: ReportContext) -> None:
    lost = [
        str(number) for number, state in context.states.items() if state == "complete" and not context.curves[number]
    ]
    if lost:
        named = first_few(lost, _NAMED)
        warnings.warn(f"the learning curves of trials {named} are missing: their folders are gone", stacklevel=3)
