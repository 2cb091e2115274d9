"""A study that begins with the best configurations of others, which may search something else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage

from core.config import RunConfig
from data.errors import UserError
from search.recorded.ranking import load_recorded, ranked_trials
from search.recorded.space import stored_space
from search.recorded.study import IDENTITY, recorded_attrs
from search.space.paths import config_fields
from search.space.random_draws import RandomDraws
from search.space.space import Dimension, Space
from search.space.variants import VARIANT
from search.study.first_trials import DEFAULT, FirstTrial
from search.study.spec import StudySpec
from search.trials.record import FinishedTrial

__all__ = ["with_warm_start"]

OPTION = "--warm-start"
_ORIGIN = "warm_start"


def with_warm_start(spec: StudySpec, sources: Sequence[str], most: int, storage: BaseStorage) -> StudySpec:
    """The study with trials of others in its queue, after its default configuration.

    What a study took from another one is recorded with it. From then on that counts, whatever became of the other one:
    the same command again adds nothing.

    Args:
        spec: the study.
        sources: names of others.
        most: trials to take from each, at most.
        storage: of all of them.

    Raises:
        UserError: a source is not there, has no finished trial, or none that can be taken over; the study compares
            variants.
    """
    if not sources:
        return spec
    if VARIANT in spec.space.paths:
        raise UserError(f"{OPTION} does not go with [variants]: their runs are all given")
    known = _recorded(spec, storage)
    taken, notes = dict(known), list(spec.notes)
    for source in sources:
        if source not in known:
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
    """What the study has taken, by source; nothing if it is not yet the study that it is to be."""
    attrs = recorded_attrs(spec.name, storage)
    begun = IDENTITY in attrs and not spec.difference(json.loads(attrs[IDENTITY]))
    recorded: Mapping[str, Any] = attrs.get(_ORIGIN, {}) if begun else {}
    return recorded


def _take_over(source: str, most: int, spec: StudySpec, storage: BaseStorage) -> tuple[list[FirstTrial], list[str]]:
    """The best trials of a study in terms of another, and a line for everything that was left out."""
    if source == spec.name:
        raise UserError(f"{OPTION} {source}: a study cannot begin from itself")
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
        raise UserError(f"{OPTION} {source}: nothing can be taken over: {why}")
    return trials, notes


def _translated(config: RunConfig, study: optuna.Study, spec: StudySpec) -> tuple[dict[str, Any] | None, list[str]]:
    """Parameters for the run that is nearest to one of another study, None if there are none, and what was left out.

    What that study does not search, and a value that is not searched here, is as in the base, or up to the sampler if
    the base lies outside the space.
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
    """Whether the other study searches it; of conditions, whether its runs have such settings."""
    if any(rule.path not in config_fields(config.tasks) for rule in dimension.when):
        return False
    changed = dimension.distribution.settings(dimension.path)
    return bool(changed & searched) and changed <= set(config_fields(config.tasks))
