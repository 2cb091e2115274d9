"""Check a study: its file, whether it is still the recorded one, and its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna

from core.config import DataConfig, RunConfig
from core.inputs.augmentation import answers_dir
from data.errors import UserError
from data.task_files import builtin_tasks
from search.doctor.check import Check, ok, warning, wrong
from search.doctor.storage import storage_file
from search.preflight.data import DataReport, check_data
from search.preflight.further import check_further
from search.preflight.nli import check_nli_files
from search.recorded.second_start import has_work
from search.recorded.study import changed_settings
from search.storage.open import open_storage
from search.study.spec import StudySpec
from search.trials.remote_study import study_folder

__all__ = ["check_folder_of_data", "check_study", "check_study_data"]


def check_study(spec: StudySpec, storage: str | None, runs_dir: Path) -> Iterator[Check]:
    """Check the study file, and whether it still matches the recorded study of this name."""
    found = f"{spec.source}: up to {spec.trials} trials of {spec.longest_run:,} training examples"
    for note in spec.notes:
        yield warning("study", note, "see docs/study-files.md")
    if changes := _changes(spec, storage, runs_dir):
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        yield wrong(
            "study",
            f"'{spec.name}' was begun with other settings: {changes[0]}{more}",
            "run it with --restart, which moves that one aside, or under another name: --name NEW",
        )
    else:
        yield ok("study", found)


def check_study_data(spec: StudySpec, runs_dir: Path) -> Iterator[Check]:
    """Read all data that trials would read.

    Raises:
        UserError: as :func:`search.preflight.data.check_data`.
    """
    if spec.synthetic is not None:
        corpus = runs_dir / spec.name / "corpus"
        if not corpus.is_dir():
            yield ok("data", "will be generated when the study begins")
            return
        spec = replace(spec, base=spec.base.model_copy(update={"data": DataConfig(directory=str(corpus))}))
    report = check_nli_files(spec, check_data(spec.base, named_ids=spec.named_ids))
    yield from _data_check(check_further(report, spec, answers_dir(runs_dir / "cache")))


def check_folder_of_data(directory: Path) -> Iterator[Check]:
    """Read the files of those built-in tasks that are in a folder.

    Raises:
        UserError: a file cannot be read.
    """
    known = builtin_tasks()
    there = [name for name, spec in known.items() if (directory / spec.files.train).is_file()]
    if not there:
        files = ", ".join(spec.files.train for spec in known.values())
        yield wrong("data", f"{directory} has none of {files}", "for tasks of your own, pass --study too")
        return
    tasks = {name: {"spec": known[name]} for name in there}
    yield from _data_check(
        check_data(RunConfig.model_validate({"tasks": tasks, "data": {"directory": str(directory)}}))
    )


def _data_check(report: DataReport) -> Iterator[Check]:
    sizes = [f"{task} {report.describe(task)}" for task in report.sizes]
    found = "; ".join([*sizes, *report.further])
    if report.warnings:
        more = f" (and {len(report.warnings) - 1} more)" if len(report.warnings) > 1 else ""
        yield warning("data", f"{found}; {report.warnings[0]}{more}", "check whether this is intended")
    else:
        yield ok("data", found)


def _changes(spec: StudySpec, storage: str | None, runs_dir: Path) -> list[str]:
    file = storage_file(storage, runs_dir)
    if file is not None and not file.exists():
        return []
    try:
        opened = open_storage(storage, runs_dir)
    except UserError:  # the check of the storage reports it
        return []
    if spec.name not in optuna.get_all_study_names(opened):
        return []
    study = optuna.load_study(study_name=spec.name, storage=opened)
    return changed_settings(spec, study) if has_work(study, study_folder(runs_dir, spec.name)) else []
