"""Start a study with the best configurations of other studies, whose spaces may differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage

from core.config import RunConfig
from data.errors import UserError
from search.recorded.disagreements import check_agreement
from search.recorded.ranking import load_recorded, ranked_trials
from search.recorded.space import stored_space
from search.recorded.study import IDENTITY, recorded_attrs
from search.space.paths import config_fields
from search.space.random_draws import RandomDraws
from search.space.space import Dimension, Space
from search.space.variants import VARIANT
from search.study.first_trials import DEFAULT, FirstTrial
from search.study.spec import StudySpec
from search.trials.folders import RUNS, TrialFolders
from search.trials.record import FinishedTrial
from search.trials.remote_study import study_folder

__all__ = ["with_warm_start"]

OPTION = "--warm-start"
_ORIGIN = "warm_start"


def with_warm_start(
    spec: StudySpec,
    sources: Sequence[str],
    most: int,
    storage: BaseStorage,
    *,
    runs_dir: Path = RUNS,
    restart: bool = False,
) -> StudySpec:
    """Add the best trials of other studies to the queue of a study, after its default configuration.

    The trials that were taken are recorded in the study. From then on only this record counts, even if the other study
    changes: the same command again adds nothing.

    Args:
        sources: names of the other studies.
        most: the largest number of trials to take from each.
        storage: of all studies.
        runs_dir: contains the folders of these studies; their trials are compared with the storage.
        restart: whether to choose trials again although some are recorded, because that study is moved aside.

    Raises:
        UserError: a source does not exist, has no finished trial, or none that can be used; or the study compares
            variants.
    """
    if not sources:
        return spec
    if VARIANT in spec.space.paths:
        raise UserError(f"{OPTION} cannot be combined with [variants], whose runs are all given")
    known = {} if restart else _recorded(spec, storage)
    taken, notes = dict(known), list(spec.notes)
    for source in sources:
        if source not in known:
            check_agreement(load_recorded(source, storage, OPTION), TrialFolders(study_folder(runs_dir, source)))
            trials, lost = _take_over(source, most, spec, storage)
            taken[source] = [[trial.role, trial.params] for trial in trials]
            notes += lost
    given = tuple(FirstTrial(role, params) for source in taken for role, params in taken[source])
    default = tuple(trial for trial in spec.first_trials if trial.role == DEFAULT)
    return replace(
        spec,
        first_trials=(*default, *given, *spec.first_trials[len(default) :]),
        notes=tuple(notes),
        origin={**spec.origin, _ORIGIN: taken},
    )


def _recorded(spec: StudySpec, storage: BaseStorage) -> Mapping[str, Any]:
    """Return what the recorded study has taken, by source; nothing if that study is not this one."""
    attrs = recorded_attrs(spec.name, storage)
    begun = IDENTITY in attrs and not spec.difference(json.loads(attrs[IDENTITY]))
    recorded: Mapping[str, Any] = attrs.get(_ORIGIN, {}) if begun else {}
    return recorded


def _take_over(source: str, most: int, spec: StudySpec, storage: BaseStorage) -> tuple[list[FirstTrial], list[str]]:
    """Return the best trials of a study in the space of another one, and a line for each value that was left out."""
    if source == spec.name:
        raise UserError(f"{OPTION} {source}: a study cannot start from itself")
    study = load_recorded(source, storage, OPTION)
    trials: list[FirstTrial] = []
    notes: list[str] = []
    for trial in ranked_trials(study):
        if len(trials) == most:
            break
        config = FinishedTrial.read(trial).config
        role = f"from {source}, trial {trial.number}"
        params, lost = _translated(config, study, spec)
        notes += [f"{role}: {line}" for line in lost]
        if params is not None and params not in [one.params for one in trials]:
            trials.append(FirstTrial(role, params))
    if not trials:
        why = notes[0] if notes else "it has no finished trial"
        raise UserError(f"{OPTION} {source}: no trial can be used: {why}")
    return trials, notes


def _translated(config: RunConfig, study: optuna.Study, spec: StudySpec) -> tuple[dict[str, Any] | None, list[str]]:
    """Return parameters for the run that is closest to one of another study, or None, and what was left out.

    Settings that the other study does not search, and values outside this space, are taken from the base, or left to
    the sampler if the base lies outside the space.
    """
    searched = stored_space(study, config).settings
    common = Space(tuple(one for one in spec.space.dimensions if _is_known(one, searched, config)))
    found = common.encode(config)
    if not found.params:
        return None, list(found.notes) or ["it searches none of the same settings"]
    params = spec.space.encode(spec.base).params | found.params
    try:
        spec.space.suggest(RandomDraws(np.random.default_rng(0), params), spec.base)
    except UserError as error:
        return None, [str(error)]
    return params, [f"{note}; left out" for note in found.notes]


def _is_known(dimension: Dimension, searched: set[str], config: RunConfig) -> bool:
    """Return whether the other study searches a dimension, and has the settings in its conditions."""
    if any(rule.path not in config_fields(config.tasks) for rule in dimension.when):
        return False
    changed = dimension.distribution.settings(dimension.path)
    return bool(changed & searched) and changed <= set(config_fields(config.tasks))
