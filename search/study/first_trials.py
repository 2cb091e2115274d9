"""Read the trials that a study begins with, before its sampler proposes any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import RunConfig
from search.display.values import shown
from search.space.paths import differing_paths, get_value
from search.space.random_draws import RandomDraws
from search.space.space import Space
from search.study.tables import Tables

__all__ = ["DEFAULT", "FirstTrial", "default_trial", "given_trials"]

DEFAULT = "default"
"""The role of the configuration that others are compared with; it is never pruned."""


@dataclass(frozen=True)
class FirstTrial:
    """A trial whose parameters are given.

    Attributes:
        role: what it is, different for each trial of a study.
        params: Optuna's parameters.
    """

    role: str
    params: dict[str, Any]


def default_trial(space: Space, base: RunConfig) -> tuple[FirstTrial, ...]:
    """Return the base as a trial; none if outside the space: keeping only the settings inside gives a different run."""
    default = space.encode(base)
    return () if default.notes else (FirstTrial(DEFAULT, default.params),)


def given_trials(
    first: Sequence[str] | Mapping[str, Mapping[str, Any]], tables: Tables, space: Space, base: RunConfig
) -> tuple[tuple[FirstTrial, ...], tuple[str, ...], bool]:
    """Return a trial for each configuration that ``first`` of a study file names, and a line for each left out.

    Also return whether the length of one of them is in passes.

    Args:
        first: presets, or nested settings by name, which may build on a preset.
        tables: the study's other settings.
        space: what is searched.
        base: the run that the search starts from.

    Raises:
        StudyFileError: under ``first`` and what follows it.
    """
    named = first if isinstance(first, Mapping) else {name: {"preset": name} for name in first}
    trials, notes, in_passes = [], [], False
    for name, table in named.items():
        config, words = tables.named(table, ("first", name))
        in_passes = in_passes or bool(words)
        params, lack = _encoded(config, space, base)
        if lack:
            notes.append(f"no trial of '{name}': {lack}")
        else:
            trials.append(FirstTrial(f"first {name}", params))
    return tuple(trials), tuple(notes), in_passes


def _encoded(config: RunConfig, space: Space, base: RunConfig) -> tuple[dict[str, Any], str]:
    """Return the parameters that give the configuration, or why there are none."""
    found = space.encode(config)
    if found.notes:
        return {}, found.notes[0]
    proposal = space.propose(RandomDraws(np.random.default_rng(0), found.params), base)
    there = RunConfig.model_validate(proposal.tree)
    if different := differing_paths([config, there]):
        path = different[0]
        wanted, has = shown(get_value(config, path)), shown(get_value(there, path))
        return {}, f"{path} = {wanted} is not searched; it is {has} in all trials"
    return found.params, ""
