"""All metrics by name: every module of ``data.metrics`` that assigns ``METRIC``."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from data.errors import did_you_mean
from data.kinds import Kind
from data.metrics.metric import Metric

__all__ = ["all_metrics", "find_metric"]


def all_metrics() -> tuple[Metric, ...]:
    """Return every metric, sorted by name."""
    return tuple(metric for spelling, metric in sorted(_spellings().items()) if spelling == metric.name)


def find_metric(name: str, kind: Kind | None = None) -> Metric:
    """Find a metric by its name or an alias; case does not matter, nor whether words are joined by ``-`` or ``_``.

    Args:
        name: as a study file has it.
        kind: of the task, so that an error lists only what suits it.

    Raises:
        ValueError: for an unknown name, with the nearest known one and the list.
    """
    spellings, key = _spellings(), name.strip().lower().replace("-", "_").replace(" ", "_")
    if key in spellings:
        return spellings[key]
    suitable = [one for one in all_metrics() if kind is None or kind in one.kinds]
    meant = did_you_mean(key, [spelling for one in suitable for spelling in _spellings_of(one)]) or "."
    known = f"Known for {kind}" if kind else "Known"
    raise ValueError(f"no metric '{name}'{meant} {known}: {', '.join(map(str, suitable))}")


@cache
def _spellings() -> dict[str, Metric]:
    """Find every module's metric, by its name and by each alias."""
    found: dict[str, Metric] = {}
    package = import_module("data.metrics")
    for module in pkgutil.iter_modules(package.__path__):
        if metric := getattr(import_module(f"data.metrics.{module.name}"), "METRIC", None):
            _add(metric, found)
    return found


def _add(metric: Metric, spellings: dict[str, Metric]) -> None:
    for spelling in _spellings_of(metric):
        if spelling in spellings:
            other = spellings[spelling].name
            raise ValueError(f"metric '{metric.name}': '{spelling}' is already a name of metric '{other}'")
    spellings.update(dict.fromkeys(_spellings_of(metric), metric))


def _spellings_of(metric: Metric) -> tuple[str, ...]:
    return (metric.name, *metric.aliases)
