"""The trials that a study begins with, before its sampler is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import RunConfig
from search.config_paths import get_value
from search.keyed_error import KeyedError
from search.random_draws import RandomDraws
from search.shown_values import shown
from search.space import Space
from search.study_tables import Tables
from search.variants import differing_settings

__all__ = ["DEFAULT", "FirstTrial", "default_trial", "preset_trials"]

DEFAULT = "default"
"""The role of the configuration that others are compared with; it is never pruned."""


@dataclass(frozen=True)
class FirstTrial:
    """A trial that is given.

    Attributes:
        role: what it is, different for each trial of a study.
        params: Optuna's parameters.
    """

    role: str
    params: dict[str, Any]


def default_trial(space: Space, base: RunConfig) -> tuple[FirstTrial, ...]:
    """The base itself. A base outside the space cannot be a trial of it; what fits of it would be another run."""
    default = space.encode(base)
    return () if default.notes else (FirstTrial(DEFAULT, default.params),)


def preset_trials(names: Iterable[str], tables: Tables, space: Space, base: RunConfig) -> tuple[FirstTrial, ...]:
    """A trial for each preset, which the space must hold as it is.

    Raises:
        KeyedError: under ``first``: a preset's setting lies outside the space, or differs from the base and is not
            searched.
    """
    trials = []
    for name in dict.fromkeys(names):
        key = ("first", name)
        config = tables.on_preset(name, {}, key)
        found = space.encode(config)
        if found.notes:
            raise KeyedError(key, f"preset '{name}' is outside the space: {found.notes[0]}")
        proposal = space.propose(RandomDraws(np.random.default_rng(0), found.params), base)
        there = RunConfig.model_validate(proposal.tree)
        if different := differing_settings([config, there]):
            path = different[0]
            raise KeyedError(
                key,
                f"preset '{name}' has {path} = {shown(get_value(config, path))}, and the space makes it "
                f"{shown(get_value(there, path))}; search {path} too",
            )
        trials.append(FirstTrial(f"preset {name}", found.params))
    return tuple(trials)
