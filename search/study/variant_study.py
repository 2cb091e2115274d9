"""Read ``[variants]`` of a study file: ready configurations to compare, each with every seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.config import RunConfig
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.space.choices import Choices
from search.space.paths import differing_paths, get_value, why_fixed_in_variants
from search.space.space import Dimension, Space
from search.space.variants import VARIANT, Variants
from search.study.first_trials import DEFAULT, FirstTrial
from search.study.tables import Tables

__all__ = ["parse_variants", "plan_comparison"]

KEY = "variants"
_SEED = "seed"


def parse_variants(
    table: Mapping[str, Mapping[str, Any]], seeds: Sequence[int] | None, tables: Tables
) -> tuple[RunConfig, Space, tuple[FirstTrial, ...], dict[str, str]]:
    """Return the first variant as the base, a space of all, their trials, and their lengths.

    All variants are trained with the first seed, then all with the next. The lengths are those in passes: how they
    became examples, in words, by variant.

    Args:
        table: nested settings by variant; ``preset`` names one to build on.
        seeds: of the runs; None: the base's alone.
        tables: what the variants have in common.

    Raises:
        StudyFileError: under ``variants`` and what follows it, or ``seeds``.
    """
    _check_seeds(seeds, tables)
    configs: dict[str, RunConfig] = {}
    lengths: dict[str, str] = {}
    mistakes = Mistakes()
    for name, variant in table.items():
        with mistakes.noted():
            configs[name], words = _build(name, variant, tables, seeds)
            if words:
                lengths[name] = words
    mistakes.raise_any()
    seeds = seeds or [config.seed for config in configs.values()][:1]
    if len(table) * len(seeds) < 2:
        raise StudyFileError((KEY,), "must give at least two runs to compare: two variants, or seeds = [0, 1]")
    return *plan_comparison(configs, seeds), lengths


def plan_comparison(
    configs: Mapping[str, RunConfig], seeds: Sequence[int]
) -> tuple[RunConfig, Space, tuple[FirstTrial, ...]]:
    """Return what :func:`parse_variants` does for given runs, all with the first of the seeds, without their lengths.

    Raises:
        StudyFileError: under ``variants``: one could not be compared with the first, or is the same as another one.
    """
    _check(configs)
    dimensions = [Dimension(VARIANT, Variants.of(configs))]
    if len(seeds) > 1:
        dimensions.append(Dimension(_SEED, Choices(tuple(seeds))))
    trials = [
        FirstTrial(f"variant {name}, seed {seed}", {VARIANT: name, **({_SEED: seed} if len(seeds) > 1 else {})})
        for seed in seeds
        for name in configs
    ]
    trials[0] = FirstTrial(DEFAULT, trials[0].params)
    return next(iter(configs.values())), Space(tuple(dimensions)), tuple(trials)


def _check_seeds(seeds: Sequence[int] | None, tables: Tables) -> None:
    if seeds is None:
        return
    if len(set(seeds)) < len(seeds) or not seeds:
        raise StudyFileError(("seeds",), f"must be different numbers, at least one, got {list(seeds)}")
    for name, table in (("base", tables.common), ("override", tables.override)):
        if _SEED in table:
            raise StudyFileError(
                (name, _SEED), "cannot be combined with seeds = [...], which sets the seeds of all runs"
            )


def _build(name: str, variant: Mapping[str, Any], tables: Tables, seeds: Sequence[int] | None) -> tuple[RunConfig, str]:
    key = (KEY, name)
    if _SEED in variant:
        raise StudyFileError(
            (*key, _SEED), "must be the same for all variants: give seeds = [...] at the top of the file"
        )
    config, words = tables.named(variant, key)
    return config if seeds is None else config.model_copy(update={_SEED: seeds[0]}), words


def _check(configs: Mapping[str, RunConfig]) -> None:
    """Refuse runs that are not scored alike, and a run that appears under two names."""
    reference, base = next(iter(configs.items()))
    for name, config in configs.items():
        for path in differing_paths([base, config]):
            if reason := why_fixed_in_variants(path):
                raise StudyFileError(
                    (KEY, name),
                    f"has {path} = {get_value(config, path)}, but '{reference}' has {get_value(base, path)}; "
                    f"it must be the same in all variants: {reason}",
                )
    seen: dict[RunConfig, str] = {}
    for name, config in configs.items():
        if config in seen:
            raise StudyFileError((KEY, name), f"is the same run as '{seen[config]}'")
        seen[config] = name
