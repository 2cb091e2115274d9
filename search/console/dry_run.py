"""Show what a study would read and train, without reading rows or running code of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from core.config import RunConfig
from core.model_files.encoder_source import find_encoder
from core.run.gpus import find_gpus
from data.errors import UserError
from data.files import split_path
from data.reading import check_header
from data.tables.hub_sets import is_hub_name
from data.tables.read import count_rows
from data.tasks import SplitName, TaskSpec
from search.console.cli import check_data_folder_of
from search.console.plan import show_own_classes, show_warnings
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import shown
from search.preflight.encoder import encoder_runs
from search.preflight.encoder_content import read_folders
from search.preflight.study_inputs import StudyInputs
from search.recorded.second_start import SecondStart
from search.space.paths import differing_paths, json_value
from search.study.spec import StudySpec

__all__ = ["show_dry_run", "show_start"]

_SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")
_CLASSES = 3  # to name


def show_dry_run(console: Console, spec: StudySpec, start: SecondStart) -> None:
    """Print the tasks, the settings that differ from the defaults, the encoders, and what would be refused.

    Args:
        console: on which the plan has been printed.
        spec: the study.
        start: of the study, to see whether it is recorded.
    """
    warnings: list[str] = []
    with _noted(warnings):
        check_data_folder_of(spec)
    with _noted(warnings):
        if spec.gpus is not None and not spec.devices:
            find_gpus(spec.gpus)  # it says what is missing
    rows = tuple(_task_row(task.spec, spec, warnings) for task in spec.base.tasks.values())
    caption = "tasks (rows are counted as lines of the files, and checked when the study runs)"
    if spec.synthetic is not None:
        caption = "tasks (the data will be generated)"
    print_table(console, Table(caption, ("task", "kind", "predicts", "metric", *_SPLITS), rows))
    changes = tuple(_changes(spec.base))
    if changes:
        print_table(console, Table("settings that differ from the defaults", ("setting", "value", "default"), changes))
    else:
        console.print("all settings have their defaults")
    for name in dict.fromkeys(run.config.model.encoder for run in encoder_runs(spec)):
        console.print(f"encoder: {_encoder(name, warnings)}", soft_wrap=True)
    _show_start(console, spec, start, warnings)
    show_own_classes(console, spec)
    show_warnings(console, warnings)
    console.print("add --json for the complete base configuration")


def show_start(console: Console, spec: StudySpec, start: SecondStart) -> None:
    """Print whether the study is recorded, and why it would be refused."""
    warnings: list[str] = []
    _show_start(console, spec, start, warnings)
    show_warnings(console, warnings)


def _show_start(console: Console, spec: StudySpec, start: SecondStart, warnings: list[str]) -> None:
    with _noted(warnings, "the study would be refused: "):
        console.print(start.describe(spec, StudyInputs(encoders=read_folders(spec))), soft_wrap=True)


@contextmanager
def _noted(warnings: list[str], prefix: str = "") -> Iterator[None]:
    """Add the error that a ``with`` block ends with to the warnings."""
    try:
        yield
    except UserError as error:
        warnings.append(f"{prefix}{error}")


def _task_row(task: TaskSpec, spec: StudySpec, warnings: list[str]) -> tuple[str, ...]:
    if task.score_range is None:
        named = f": {', '.join(task.classes)}" if len(task.classes) <= _CLASSES else ""
        predicts = f"{len(task.classes)} classes{named}"
    else:
        predicts = f"{shown(task.score_range[0])} to {shown(task.score_range[1])}"
    sizes = [_size(task, split, spec, warnings) for split in _SPLITS]
    return task.name, str(task.kind), predicts, str(task.metric), *sizes


def _size(task: TaskSpec, split: SplitName, spec: StudySpec, warnings: list[str]) -> str:
    if spec.synthetic is not None:
        return f"{getattr(spec.synthetic, split):,}"
    if getattr(task.files, split) is None:
        return "-"
    folder = Path(spec.base.data.directory)
    if not (folder.is_dir() or is_hub_name(folder) or is_hub_name(getattr(task.files, split))):
        return "missing"
    try:
        path = split_path(task, folder, split)
        rows = count_rows(path)
    except UserError as error:
        warnings.append(str(error))
        return "missing"
    with _noted(warnings):
        check_header(task, split, path, needs_id=task.name in spec.named_ids)
    if task.folds is not None and split != "test":
        return f"in {task.folds} folds" if split == "dev" else f"{rows:,}"
    if split in task.taken:
        return "from train" if task.split and task.split.column else f"{task.shares[split]:.0%} of train"
    return f"{rows:,}"


def _changes(base: RunConfig) -> Iterator[tuple[str, str, str]]:
    default = RunConfig.model_validate({"tasks": {name: {"spec": task.spec} for name, task in base.tasks.items()}})
    for path in differing_paths([default, base]):
        yield path, shown(json_value(base, path)), shown(json_value(default, path))


def _encoder(name: str, warnings: list[str]) -> str:
    if name == "scratch":
        return "trained from scratch"
    try:
        found = find_encoder(name)
    except UserError as error:
        warnings.append(f"encoder: {error}")
        return f"{name} cannot be had"
    if found is None:
        return f"{name} is not on this machine; it is downloaded from the Hugging Face Hub when the study runs"
    return f"{name}, at '{found}'"
