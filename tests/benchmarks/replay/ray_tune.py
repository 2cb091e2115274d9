"""Run Ray Tune's ASHA with its OptunaSearch on the table: their own code decides, without a cluster."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import optuna
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from tests.benchmarks.replay.simulation import Snapping, Unvisited
from tests.benchmarks.replay.table import Row, Table

__all__ = ["RayTune"]


class RayTune:
    """See :class:`tests.benchmarks.replay.simulation.Method`; settings are Ray's defaults.

    Args:
        table: the configurations.
        seed: of the sampler.
        after_warmup: do not prune before the first rung after the warm-up.
    """

    def __init__(self, table: Table, seed: int, *, after_warmup: bool = False) -> None:
        logging.getLogger("ray").setLevel(logging.ERROR)
        self._table = table
        self._free = Unvisited(table)
        sampler: Any = Snapping(optuna.samplers.TPESampler(seed=seed), self._free)
        self._search = OptunaSearch(dict(table.space), metric="overall", mode="max", sampler=sampler)
        first = next(rung for rung in table.rungs if rung >= table.warmup) if after_warmup else table.rungs[0]
        self._asha: Any = AsyncHyperBandScheduler(
            metric="overall", mode="max", max_t=table.rungs[-1], grace_period=first
        )
        self._rows: dict[int, Row] = {}

    def ask(self, number: int) -> Row | None:
        """See Method."""
        if not self._free.left:
            return None
        params = self._search.suggest(str(number))
        assert isinstance(params, dict)
        row = self._free.take(_flat(params))
        self._rows[number] = row
        self._asha.on_trial_add(None, SimpleNamespace(trial_id=str(number)))
        return row

    def report(self, number: int, rung: int) -> bool:
        """See Method."""
        result = self._result(number, rung)
        self._search.on_trial_result(str(number), result)
        go_on = self._asha.on_trial_result(None, SimpleNamespace(trial_id=str(number)), result)
        if go_on == TrialScheduler.STOP:
            self._search.on_trial_complete(str(number), result)
            return False
        return True

    def complete(self, number: int) -> None:
        """See Method."""
        result = self._result(number, len(self._table.rungs) - 1)
        self._search.on_trial_result(str(number), result)
        self._asha.on_trial_complete(None, SimpleNamespace(trial_id=str(number)), result)
        self._search.on_trial_complete(str(number), result)

    def revive(self) -> None:
        """See Method; Ray's ASHA ends trials for good."""

    def _result(self, number: int, rung: int) -> dict[str, Any]:
        return {"overall": self._rows[number].overall[rung], "training_iteration": self._table.rungs[rung]}


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return parameters by dotted path; Ray does not split names at dots, so only a copy is nested."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
