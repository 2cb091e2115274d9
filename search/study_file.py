"""Study files: TOML in, :class:`StudySpec` out. ``docs/study-files.md`` describes the format for users."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import UserError
from data.task_files import builtin_tasks, load_tasks, parse_tasks
from data.tasks import TaskSpec
from search.base_config import build_base
from search.keyed_error import KeyedError, did_you_mean, spell_key
from search.pruners import PrunerChoice, make_pruner
from search.samplers import SamplerChoice, make_sampler
from search.space import Space
from search.space_parsing import parse_space
from search.study_spec import StudySpec, SyntheticSpec
from search.toml_lines import key_lines, line_of
from search.validation_messages import keyed

__all__ = ["StudySpec", "in_file", "list_studies", "load_study"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SYNTHETIC_TASKS = ("sst", "para", "sts")


class _Document(BaseModel):
    """The keys of a study file. What stands in the tables is checked by those who read them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    description: str = ""
    tasks: list[str] | dict[str, Any]
    task_files: list[str] = []
    trials: int = Field(20, ge=1)
    seed: int = Field(0, ge=0, lt=2**32)
    workers: int = Field(1, ge=1)
    keep_models: int = Field(3, ge=1)
    sampler: Any = "tpe"
    pruner: Any = "hyperband"
    base: dict[str, Any] = {}
    space: dict[str, Any]
    synthetic: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Overrides:
    """What a user said outside the file; None leaves the file's."""

    data: str | None
    model: str | None
    trials: int | None
    workers: int | None
    threads: int | None
    name: str | None

    def __post_init__(self) -> None:
        for name in ("trials", "workers", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"{name} must be at least 1, got {value}")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise UserError(f"name must be letters, digits, '_', '-' and '.' only, got '{self.name}'")


def load_study(
    name_or_path: str | Path,
    *,
    data: str | Path | None = None,
    model: str | None = None,
    trials: int | None = None,
    workers: int | None = None,
    threads: int | None = None,
    name: str | None = None,
    studies_dir: Path = Path("studies"),
) -> StudySpec:
    """Read a study and check it.

    Args:
        name_or_path: a path that ends in ``.toml``, else the name of a study in ``studies_dir``, else of one that comes
            with the package.
        data: replaces ``base.data.directory``, and the synthetic corpus if there is one.
        model: replaces ``base.model.encoder``, and drops ``base.model.scratch`` unless it is ``scratch``.
        trials: replaces ``trials``.
        workers: replaces ``workers``.
        threads: replaces ``base.compute.threads``, which is otherwise the usable cores shared out among the workers.
        name: replaces the file's stem as the study's name, for example to begin anew after a change.
        studies_dir: where the user's own studies are.

    Raises:
        UserError: with ``file:line: key: what`` for a mistake in the file; with the known names for an unknown study.
    """
    overrides = _Overrides(str(data) if data is not None else None, model, trials, workers, threads, name)
    path = _find(str(name_or_path), studies_dir)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot read the study file: {error}") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, error) from error
    try:
        return _build(raw, path, overrides)
    except KeyedError as error:
        raise in_file(error, path, text) from error


def in_file(error: KeyedError, path: Path, text: str) -> UserError:
    """The mistake with its place in the study file ``path``, which holds ``text``."""
    line = line_of(error.key, key_lines(text))
    where = f"{path}:{line}" if line else str(path)
    return UserError(f"{where}: {spell_key(error.key)}: {error.what}")


def list_studies(studies_dir: Path = Path("studies")) -> dict[str, Path]:
    """Every study that can be named, the user's own before those of the package."""
    folders = (studies_dir, Path(str(resources.files("studies"))))
    return {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.toml"))}


def _find(name: str, studies_dir: Path) -> Path:
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UserError(f"{name}: no such study file")
        if not _NAME.fullmatch(path.stem):
            raise UserError(
                f"{name}: a study has its file's name; use letters, digits, '_', '-' and '.' only, got '{path.stem}'"
            )
        return path
    known = list_studies(studies_dir)
    if name not in known:
        raise UserError(
            f"no study '{name}'{did_you_mean(name, known) or '.'} Known: {', '.join(sorted(known)) or 'none'}; "
            "or give the path of a .toml file"
        )
    return known[name]


def _syntax_error(path: Path, text: str, error: tomllib.TOMLDecodeError) -> UserError:
    what = str(error)
    if found := re.search(r" \(at line (\d+), column (\d+)\)$", what):
        return UserError(f"{path}:{found[1]}: not TOML: {what[: found.start()]} (column {found[2]})")
    return UserError(f"{path}:{len(text.splitlines())}: not TOML: {what}")


def _build(raw: dict[str, Any], path: Path, overrides: _Overrides) -> StudySpec:
    try:
        document = _Document.model_validate(raw)
    except ValidationError as error:
        raise _document_error(error) from error
    tasks = _tasks(document, path)
    synthetic = _synthetic(document, tasks, overrides)
    workers = overrides.workers or document.workers
    base = build_base(document.base, tasks, _replaced(document, workers, overrides))
    space = parse_space(document.space, base)
    spec = StudySpec(
        name=overrides.name or path.stem,
        description=document.description,
        base=base,
        space=space,
        trials=overrides.trials or document.trials,
        seed=document.seed,
        sampler=SamplerChoice.parse(document.sampler, ("sampler",)),
        pruner=PrunerChoice.parse(document.pruner, ("pruner",)),
        workers=workers,
        keep_models=document.keep_models,
        synthetic=synthetic,
        source=path,
    )
    make_pruner(spec.pruner, base.rungs)
    make_sampler(spec.sampler, spec.seed, 0, space)
    if spec.sampler.name == "grid":
        _check_grid(space, spec.trials)
    return spec


def _document_error(error: ValidationError) -> KeyedError:
    found = keyed(error, (), _Document)
    if found.key[0] == "tasks":
        what = "is missing" if found.what == "is missing" else "must be a list of names, or tables [tasks.NAME]"
        return KeyedError(("tasks",), what)
    return found


def _tasks(document: _Document, path: Path) -> dict[str, TaskSpec]:
    """The study's tasks in its order, from the file itself, its task files and those built in."""
    known = builtin_tasks()
    for name in document.task_files:
        _add(known, load_tasks(path.parent / name), ("task_files",))
    if isinstance(document.tasks, dict):
        # An empty table names a task that is described elsewhere.
        own = {name: table for name, table in document.tasks.items() if table != {}}
        _add(known, parse_tasks(own, str(path)), ("tasks",))
    names = list(document.tasks)
    if not names:
        raise KeyedError(("tasks",), "is empty; name at least one task")
    for name in names:
        if name not in known:
            raise KeyedError(
                ("tasks",), f"no task '{name}'{did_you_mean(name, known) or '.'} Known: {', '.join(known)}"
            )
        if names.count(name) > 1:
            raise KeyedError(("tasks",), f"'{name}' stands twice")
    return {name: known[name] for name in names}


def _add(known: dict[str, TaskSpec], new: Mapping[str, TaskSpec], key: tuple[str, ...]) -> None:
    for name, spec in new.items():
        if name in known:
            raise KeyedError(key, f"task '{name}' is there already; choose another name")
        known[name] = spec


def _synthetic(document: _Document, tasks: Mapping[str, TaskSpec], overrides: _Overrides) -> SyntheticSpec | None:
    if document.synthetic is None or overrides.data is not None:
        return None
    for name in tasks:
        if name not in _SYNTHETIC_TASKS:
            known = ", ".join(_SYNTHETIC_TASKS)
            raise KeyedError(("synthetic",), f"a corpus can be generated for {known}, not for '{name}'")
    try:
        return SyntheticSpec.model_validate(document.synthetic)
    except ValidationError as error:
        raise keyed(error, ("synthetic",), SyntheticSpec) from error


def _replaced(document: _Document, workers: int, overrides: _Overrides) -> dict[str, object]:
    """Settings of the base that the command line, or another part of the file, decides."""
    replaced: dict[str, object] = {}
    if "seed" not in document.base:
        replaced["seed"] = document.seed
    if overrides.data is not None:
        replaced["data.directory"] = overrides.data
    if overrides.model is not None:
        replaced["model.encoder"] = overrides.model
        if overrides.model != "scratch":
            replaced["model.scratch"] = None
    if overrides.threads is not None:
        replaced["compute.threads"] = overrides.threads
    elif "threads" not in document.base.get("compute", {}):
        replaced["compute.threads"] = max(1, _usable_cores() // workers)
    return replaced


def _usable_cores() -> int:
    """Cores that this process may use; containers and job schedulers often grant fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_grid(space: Space, trials: int) -> None:
    points = 1
    for values in space.grid().values():
        points *= len(values)
    # One more: the base itself may be tried first.
    if trials > points + 1:
        raise KeyedError(("trials",), f"the grid has {points} points, and {trials} trials would repeat some")
