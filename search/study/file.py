"""Read a study file and return a :class:`StudySpec`. ``docs/study-files.md`` describes the format for users."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.run.cores import usable_cores
from core.run.gpus import Device, GpuChoice, find_gpus, parse_gpus
from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.errors import UserError
from data.tasks import TaskSpec
from data.toml_text import parse_toml
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.parsing.named_choice import check_options
from search.parsing.pydantic_messages import validated
from search.parsing.toml_lines import error_in_file
from search.pruners.registry import PRUNERS, PrunerChoice, make_pruner
from search.samplers.registry import SAMPLERS, SamplerChoice, make_sampler
from search.study.document import StudyDocument
from search.study.encoder_names import with_absolute_folders
from search.study.endpoint import ENDPOINT
from search.study.lookup import check_not_taken, find_study, is_study_name
from search.study.passes import TrainingSets, training_sets
from search.study.presets import list_presets
from search.study.runs import StudyRuns, comparison_runs, search_runs
from search.study.spec import StudySpec, SyntheticSpec
from search.study.stop_rules import StopRules, parse_stop
from search.study.tables import Tables
from search.study.tasks import study_tasks
from search.study.trial_count import check_trials, usual_trials
from search.trials.floors import Floor, parse_floors
from search.trials.folders import RUNS

__all__ = ["StudySpec", "check_own_classes", "load_study"]

_SYNTHETIC_TASKS = ("sst", "para", "sts")


@dataclass(frozen=True)
class _Overrides:
    """Options given outside the file; None keeps what the file says."""

    data: str | None
    model: str | None
    trials: int | None
    workers: int | None
    threads: int | None
    name: str | None
    hours: float | None
    examples: int | None
    gpus: str | None = None
    workers_per_gpu: int | None = None

    def __post_init__(self) -> None:
        for name in ("trials", "workers", "threads", "examples", "workers_per_gpu"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"{name} must be at least 1, got {value}")
        if self.hours is not None and not 0 < self.hours < math.inf:
            raise UserError(f"hours must be above 0, got {self.hours}")
        if self.name is not None and not is_study_name(self.name):
            raise UserError(f"name must be letters, digits, '_', '-' and '.' only, got '{self.name}'")
        if self.name is not None:
            check_not_taken(self.name)


def load_study(
    name_or_path: str | Path,
    *,
    data: str | Path | None = None,
    model: str | None = None,
    trials: int | None = None,
    workers: int | None = None,
    threads: int | None = None,
    name: str | None = None,
    hours: float | None = None,
    examples: int | None = None,
    gpus: str | None = None,
    workers_per_gpu: int | None = None,
    studies_dir: Path = Path("studies"),
    answers_dir: Path | None = RUNS / "answers",
) -> StudySpec:
    """Read a study and check it.

    Args:
        name_or_path: a path that ends in ``.toml``, else the name of a study in ``studies_dir``, else of one that comes
            with the package.
        data: replaces ``base.data.directory``, and the synthetic corpus if there is one.
        model: replaces ``base.model.encoder``, and drops ``base.model.scratch`` unless it is ``scratch``.
        trials: replaces ``trials``.
        workers: replaces ``workers``.
        gpus: replaces ``gpus``: ``all``, or numbers such as ``0,1``.
        workers_per_gpu: replaces ``workers_per_gpu``.
        threads: replaces ``base.compute.threads``, which is otherwise the usable cores shared out among the workers.
        name: replaces the file's stem as the study's name, for example to start again after a change.
        hours: replaces ``stop.hours``.
        examples: replaces ``stop.examples``.
        studies_dir: where the user's own studies are, and their presets in ``presets`` below it.
        answers_dir: where a language model's answers are; see
            :func:`core.inputs.augmentation.answers_dir`. None: assume that all are there, as the
            command that asks for them does.

    No code of the user is run: of a sampler or pruner given as ``package.module:Class``, only the module is looked for.
    :func:`check_own_classes` loads it.

    If a length is given in passes, the training files are read too, for the numbers of their examples.

    Raises:
        UserError: with ``file:line: key: what`` for a mistake in the file; with the known names for an unknown study.
    """
    folder = str(data) if data is not None else None
    overrides = _Overrides(folder, model, trials, workers, threads, name, hours, examples, gpus, workers_per_gpu)
    path = find_study(name_or_path, studies_dir)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot read the study file: {error}") from error
    raw = parse_toml(text, str(path))
    build = partial(_build, raw, path, overrides, studies_dir, answers_dir)
    try:
        spec, in_passes = build(TrainingSets())
        if in_passes:  # only now: a file with mistakes is refused before any data are read
            generated = None if spec.synthetic is None else spec.synthetic.train
            spec, _ = build(training_sets(path, spec.base, generated))
        return with_absolute_folders(spec)
    except StudyFileError as error:
        raise error_in_file(error, path, text) from error


def _build(
    raw: dict[str, Any],
    path: Path,
    overrides: _Overrides,
    studies_dir: Path,
    answers_dir: Path | None,
    sets: TrainingSets,
) -> tuple[StudySpec, bool]:
    """Build the study, or raise all mistakes of its file.

    Also return whether the length of a run is in passes. If so, the study depends on the sizes of the training sets:
    without them, its runs have lengths that stand for the real ones.

    A table that depends on one with a mistake is checked only as far as it can be by itself.
    """
    mistakes = Mistakes()
    document = StudyDocument.parse(raw, mistakes)
    tasks = study_tasks(document, path, mistakes)
    if not tasks:  # nothing else can be checked
        raise mistakes.as_error()
    has_tasks = not mistakes.under("tasks", "task_files")
    synthetic = mistakes.attempt(lambda: _synthetic(document, tasks, overrides), None)
    gpus = mistakes.attempt(lambda: _gpus(document, overrides), None)
    devices = _devices(gpus)
    if overrides.workers_per_gpu is not None and gpus is None and not mistakes:
        raise UserError("--workers-per-gpu needs --gpus, or gpus in the study file")
    per_gpu = overrides.workers_per_gpu or document.workers_per_gpu
    workers = overrides.workers or document.workers if gpus is None else max(len(devices), 1) * per_gpu
    tables = Tables(
        tasks,
        document.base,
        document.override,
        _replaced(document, workers, overrides),
        list_presets(studies_dir, path.parent),
        sets,
    )
    is_comparison = document.variants is not None
    read_runs = comparison_runs if is_comparison else partial(search_runs, answers_dir=answers_dir)
    runs = read_runs(document, tables, mistakes, has_tasks=has_tasks)
    sampler = mistakes.attempt(lambda: _sampler(document, runs, is_comparison), SamplerChoice("tpe"))
    pruner = mistakes.attempt(lambda: _pruner(document, runs, is_comparison), PrunerChoice("none"))
    stop = mistakes.attempt(lambda: parse_stop(document.stop, overrides.hours, overrides.examples), StopRules())
    endpoint = mistakes.attempt(lambda: _endpoint(document), None)
    floors = _floors(document, runs, mistakes) if has_tasks else ()
    mistakes.raise_any()
    usual = usual_trials(sampler, runs.space, runs.first, stop, is_comparison=is_comparison)
    spec = StudySpec(
        name=overrides.name or path.stem,
        description=document.description,
        base=runs.base,
        space=runs.space,
        first_trials=runs.first,
        notes=runs.notes,
        trials=overrides.trials or document.trials or usual,
        seed=document.seed,
        sampler=sampler,
        pruner=pruner,
        workers=workers,
        keep_models=document.keep_models,
        synthetic=synthetic,
        source=path,
        endpoint=endpoint,
        floors=floors,
        stop=stop,
        lengths=runs.lengths,
        gpus=gpus,
        devices=devices,
        named_ids=frozenset(name for name, task in tasks.items() if task.columns.names_id),
    )
    check_trials(spec, is_comparison=is_comparison)
    return spec, runs.in_passes


def _gpus(document: StudyDocument, overrides: _Overrides) -> GpuChoice | None:
    """Return the chosen GPUs; None if workers are not pinned to any."""
    given = document.gpus if overrides.gpus is None else overrides.gpus
    if given is None:
        return None
    try:
        choice = parse_gpus(given)
    except ValueError as error:
        raise StudyFileError(("gpus",), f"{error}, got {given!r}") from None
    if overrides.workers is not None or "workers" in document.model_fields_set:
        raise StudyFileError(("workers",), "cannot be combined with gpus: each has workers_per_gpu workers; remove it")
    devices = {table.get("compute", {}).get("device", "auto") for table in (document.base, document.override)}
    if wrong := devices - {"auto", "cuda"}:
        raise StudyFileError(("gpus",), f"need base.compute.device = 'cuda' or 'auto', got {wrong.pop()!r}")
    return choice


def _devices(gpus: GpuChoice | None) -> tuple[Device, ...]:
    """Return the chosen GPUs of this machine; none if it lacks one, since the study may only be looked at here."""
    try:
        return () if gpus is None else find_gpus(gpus)
    except UserError:
        return ()


def _sampler(document: StudyDocument, runs: StudyRuns, is_comparison: bool) -> SamplerChoice:
    sampler = SamplerChoice.parse("grid" if is_comparison else document.sampler or "tpe", ("sampler",))
    if sampler.is_own_class:
        sampler.find_own_class(("sampler",))
    elif runs.is_complete:
        make_sampler(sampler, document.seed, 0, runs.space)
    else:
        check_options(sampler, SAMPLERS, ("sampler",))
    return sampler


def _pruner(document: StudyDocument, runs: StudyRuns, is_comparison: bool) -> PrunerChoice:
    pruner = PrunerChoice.parse(document.pruner or ("none" if is_comparison else "halving"), ("pruner",))
    if pruner.is_own_class:
        pruner.find_own_class(("pruner",))
    elif runs.is_sound:
        make_pruner(pruner, runs.base.rungs)
    else:
        check_options(pruner, PRUNERS, ("pruner",))
    return pruner


def _endpoint(document: StudyDocument) -> EndpointSettings | None:
    return None if document.endpoint is None else validated(EndpointSettings, document.endpoint, ENDPOINT)


def _floors(document: StudyDocument, runs: StudyRuns, mistakes: Mistakes) -> tuple[Floor, ...]:
    floors: tuple[Floor, ...] = ()
    for task, value in document.floors.items():
        if isinstance(value, dict) and not runs.is_sound:  # the budget, with which it is compared, is not known
            value = {name: part for name, part in value.items() if name != "from"}
        floors += mistakes.attempt(partial(parse_floors, {task: value}, runs.base), ())
    return floors


def check_own_classes(spec: StudySpec) -> None:
    """Import the sampler and the pruner if they are the user's own, and make one of each.

    Raises:
        UserError: with ``file:line: key: what``: the class cannot be imported, or does not accept its options.
    """
    try:
        if spec.sampler.is_own_class:
            make_sampler(spec.sampler, spec.seed, 0, spec.space)
        if spec.pruner.is_own_class:
            make_pruner(spec.pruner, spec.base.rungs)
    except StudyFileError as error:
        raise spec.located_error(error) from error


def _synthetic(document: StudyDocument, tasks: Mapping[str, TaskSpec], overrides: _Overrides) -> SyntheticSpec | None:
    if document.synthetic is None or overrides.data is not None:
        return None
    for name in tasks:
        if name not in _SYNTHETIC_TASKS:
            known = ", ".join(_SYNTHETIC_TASKS)
            raise StudyFileError(("synthetic",), f"a corpus can be generated for {known}, not for '{name}'")
    return validated(SyntheticSpec, document.synthetic, ("synthetic",))


def _replaced(document: StudyDocument, workers: int, overrides: _Overrides) -> dict[str, object]:
    """Settings of the base that the command line, or another part of the file, decides."""
    replaced: dict[str, object] = {}
    if not any("seed" in table for table in (document.base, document.override)):
        replaced["seed"] = document.seed
    if overrides.data is not None:
        folder = Path(overrides.data)
        replaced["data.directory"] = str(folder.absolute()) if folder.is_dir() else overrides.data
    if overrides.model is not None:
        replaced["model.encoder"] = overrides.model
        if overrides.model != "scratch":
            replaced["model.scratch"] = None
    if overrides.threads is not None:
        replaced["compute.threads"] = overrides.threads
    elif not any(_sets_threads(table.get("compute")) for table in (document.base, document.override)):
        replaced["compute.threads"] = max(1, usable_cores() // workers)
    return replaced


def _sets_threads(compute: object) -> bool:
    return isinstance(compute, Mapping) and "threads" in compute
