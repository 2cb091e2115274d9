"""Recorded configurations trained again, each with several seeds: a study of its own, of the kind ``[variants]``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from core.config import DataConfig, RunConfig
from core.run.gpus import find_gpus, parse_gpus
from data.errors import UserError
from search.console.session import StudySession
from search.driver.driver import StudyResult
from search.parsing.errors import StudyFileError
from search.preflight.data import DataReport, corpus_folder
from search.preflight.study_inputs import StudyInputs
from search.pruners.registry import PrunerChoice
from search.recorded.data_files import check_same_training_data
from search.recorded.encoders import check_same_encoders, present_folders
from search.recorded.study import recorded_identity
from search.samplers.registry import SamplerChoice
from search.space.variants import VARIANT
from search.storage.damage import reading_record
from search.storage.open import open_storage
from search.study.encoder_names import named_encoders, with_encoder_names
from search.study.spec import StudySpec, SyntheticSpec
from search.study.variant_study import plan_comparison
from search.trials.record import CONFIG, REPEAT_OF, ROLE, FinishedTrial, stored_config

__all__ = [
    "Drop",
    "Runs",
    "fresh_seeds",
    "on_gpus",
    "replicate",
    "replication_spec",
    "same_compute",
    "seeds_of",
    "survey_again",
    "trained_runs",
    "used_seeds",
    "with_source_inputs",
]

Runs = Mapping[str, Sequence[FinishedTrial]]
"""Finished runs of each variant, in the order of the seeds; a variant may have none."""

Drop = Callable[[Runs], Iterable[str]]
"""Names the variants that get no further seed, by the runs of all so far. After a kill it is asked again, and must then
say the same.
"""

_SEED = "seed"


def fresh_seeds(used: Iterable[int], count: int) -> tuple[int, ...]:
    """Return the ``count`` smallest seeds that were not used, and thus had no part in any choice."""
    taken = set(used)
    return tuple(itertools.islice((seed for seed in itertools.count() if seed not in taken), count))


def used_seeds(study: optuna.Study) -> list[int]:
    """Return the seed of every trial of a study, however it ended."""
    begun = (trial for trial in study.get_trials(deepcopy=False) if CONFIG in trial.user_attrs)
    return [stored_config(trial).seed for trial in begun]


def same_compute(
    configs: Mapping[str, RunConfig], *, data: Path | None = None, threads: int | None = None
) -> dict[str, RunConfig]:
    """Return the configurations with the same data folder and compute settings for all.

    Args:
        configs: by name; the first says where the data is and what it is computed with, as far as nothing else does.
        threads: CPU threads of each run; None: as it was.
    """
    first = next(iter(configs.values()))
    place = first.data if data is None else first.data.model_copy(update={"directory": str(data)})
    compute = first.compute if threads is None else first.compute.model_copy(update={"threads": threads})
    return {name: config.model_copy(update={"data": place, "compute": compute}) for name, config in configs.items()}


def replication_spec(
    name: str,
    configs: Mapping[str, RunConfig],
    seeds: Sequence[int],
    *,
    description: str = "",
    origin: Mapping[str, Any] | None = None,
    workers: int = 1,
) -> StudySpec:
    """Make a study that trains every configuration with every seed: all with the first seed, then all with the next.

    Nothing is pruned, and all models stay on disk; :func:`search.trials.folders.TrialFolders.tidy` frees them later.

    Args:
        configs: the runs by name, see :func:`same_compute`; their own seeds do not count. Differences are given to
            first, whose first run has the role ``default``.
        seeds: different ones, at least one.
        origin: what it was made from, recorded with it; see :class:`search.study.spec.StudySpec`.

    Raises:
        UserError: two of them are the same run, or cannot be compared: they are not scored alike.
    """
    with_seed = {one: config.model_copy(update={_SEED: seeds[0]}) for one, config in configs.items()}
    try:
        base, space, trials = plan_comparison(with_seed, seeds)
    except StudyFileError as error:
        raise UserError(f"'{error.key[-1]}' {error.what}") from error
    return StudySpec(
        name=name,
        description=description,
        base=base,
        space=space,
        first_trials=trials,
        notes=(),
        trials=len(trials),
        seed=0,
        sampler=SamplerChoice("grid"),
        pruner=PrunerChoice("none"),
        workers=workers,
        keep_models=len(trials),
        synthetic=None,
        source=Path(f"{name}.toml"),  # there is no such file
        origin=origin or {},
    )


def on_gpus(spec: StudySpec, gpus: str | None, workers_per_gpu: int | None) -> StudySpec:
    """Return a study whose workers are pinned to GPUs, as the options say; the same one without ``gpus``.

    Raises:
        UserError: this machine lacks one of them, or the options do not go together.
    """
    if gpus is None:
        if workers_per_gpu is not None:
            raise UserError("--workers-per-gpu needs --gpus")
        return spec
    if spec.workers > 1:
        raise UserError("--workers cannot be combined with --gpus; --workers-per-gpu says how many share one")
    if spec.base.compute.device not in ("auto", "cuda"):
        raise UserError(f"--gpus: the study's runs have compute.device = '{spec.base.compute.device}'")
    try:
        choice = parse_gpus(gpus)
    except ValueError as error:
        raise UserError(f"--gpus {gpus}: {error}") from None
    devices = find_gpus(choice)
    return replace(spec, gpus=choice, devices=devices, workers=len(devices) * (workers_per_gpu or 1))


def with_source_inputs(
    run: StudySession, spec: StudySpec, source: optuna.Study, data: Path | None, models: Sequence[str]
) -> StudySpec:
    """Return a study of :func:`replication_spec` that finds the data and the encoders of its source.

    A generated corpus is made again where it is missing; an encoder that has moved is found by its content.

    Args:
        run: how the study is run.
        spec: the study.
        source: the study that it is made from.
        data: folder of the data that the user names; None: that of the source.
        models: folders of encoders that have moved since the source was trained.

    Raises:
        UserError: one of ``models`` is no encoder of the source.
    """
    recorded = _recorded(run, spec.name)
    again = {} if recorded is None or run.restart else recorded.user_attrs
    folders = present_folders(source.study_name, source.user_attrs, named_encoders(spec), models, again)
    spec = with_encoder_names(spec, folders)
    table = recorded_identity(source).get("synthetic")
    if data is not None or table is None:
        return spec
    with reading_record(f"the corpus of study '{source.study_name}'"):
        corpus = SyntheticSpec.model_validate(table)
    place = DataConfig(directory=str(corpus_folder(run.runs_dir, source.study_name)))
    return replace(spec, base=spec.base.model_copy(update={"data": place}), corpus=corpus)


def survey_again(run: StudySession, spec: StudySpec, source: optuna.Study) -> tuple[StudySpec, DataReport]:
    """Read the data of a study of :func:`replication_spec`, which must be those of its source; so must the encoders.

    Raises:
        UserError: as :meth:`search.console.session.StudySession.survey`, an encoder's folder is not there, or the data
            or encoders have changed since the source began. Then nothing has been moved aside.
    """
    attrs = source.user_attrs
    for name in () if _has_ended_trials_only(run, spec.name) else named_encoders(spec):
        if Path(name).is_absolute() and not Path(name).is_dir():
            raise UserError(f"encoder '{name}' is no longer there; --model FOLDER names the folder where it is now")

    def check_source(inputs: StudyInputs) -> None:
        check_same_encoders(source.study_name, attrs, inputs.encoders)
        check_same_training_data(source, inputs)

    return run.survey(spec, check_source)


def replicate(run: StudySession, spec: StudySpec, report: DataReport, drop: Drop | None = None) -> StudyResult:
    """Train a study of :func:`replication_spec` to its end; the same call goes on with it after an interrupt or a kill.

    Args:
        drop: asked after the second seed, and after each further one but the last, which variants are not trained with
            the remaining ones. None: all are trained with all.

    Raises:
        UserError: as :meth:`search.console.session.StudySession.train`, and what ``drop`` raises.
        typer.Exit: as :meth:`search.console.session.StudySession.train`.
    """
    seeds, variants = seeds_of(spec), list(dict.fromkeys(trial.params[VARIANT] for trial in spec.first_trials))
    if drop is None or len(seeds) < 3:
        return run.train(spec, report)
    until: dict[str, int] = {}  # how many seeds a variant has that was dropped
    with run.phases() as phases:
        for count in range(2, len(seeds)):
            part = _up_to(spec, seeds[:count], until)
            study = _recorded(run, spec.name)
            if study is None or not _has_ended(part, study):
                later = (len(seeds) - count) * (len(variants) - len(until))
                study = run.train(part, report, phases=phases, later=later).study
            dropped = drop(trained_runs(study, seeds[:count], variants))
            until |= {name: count for name in dropped if name not in until}
        return run.train(_up_to(spec, seeds, until), report, phases=phases)


def _recorded(run: StudySession, name: str) -> optuna.Study | None:
    storage = open_storage(run.storage, run.runs_dir)
    return optuna.load_study(study_name=name, storage=storage) if name in optuna.get_all_study_names(storage) else None


def _has_ended_trials_only(run: StudySession, name: str) -> bool:
    """Return whether nothing may be left to train: then no encoder is needed."""
    study = None if run.restart else _recorded(run, name)
    trials = [] if study is None else study.get_trials(deepcopy=False)
    return bool(trials) and all(trial.state.is_finished() for trial in trials)


def _has_ended(part: StudySpec, study: optuna.Study) -> bool:
    ended = {trial.user_attrs.get(ROLE) for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()}
    return {trial.role for trial in part.first_trials} <= ended


def trained_runs(study: optuna.Study, seeds: Sequence[int], variants: Iterable[str]) -> dict[str, list[FinishedTrial]]:
    """Return the finished runs of each variant with these seeds, from a study of :func:`replication_spec`."""
    found: dict[str, dict[int, FinishedTrial]] = {name: {} for name in variants}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        name = trial.params.get(VARIANT)
        if name in found and REPEAT_OF not in trial.user_attrs:
            record = FinishedTrial.read(trial)
            found[name].setdefault(record.config.seed, record)
    return {name: [runs[seed] for seed in seeds if seed in runs] for name, runs in found.items()}


def seeds_of(spec: StudySpec) -> tuple[int, ...]:
    """Return all seeds of a study of :func:`replication_spec`, in their order."""
    return tuple(dict.fromkeys(trial.params.get(_SEED, spec.base.seed) for trial in spec.first_trials))


def _up_to(spec: StudySpec, seeds: Sequence[int], until: Mapping[str, int]) -> StudySpec:
    """Limit the study to these seeds, and dropped variants to the seeds that they have.

    First trials are no part of what a study is, so it stays the same one.
    """
    place = {seed: index for index, seed in enumerate(seeds)}
    trials = tuple(
        trial
        for trial in spec.first_trials
        if (seed := trial.params.get(_SEED, spec.base.seed)) in place
        and place[seed] < until.get(trial.params[VARIANT], len(seeds))
    )
    return replace(spec, first_trials=trials, trials=len(trials))
