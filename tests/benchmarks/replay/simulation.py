"""Replay a search on recorded curves: the sampler proposes, the nearest recorded configuration takes its place.

Time is counted in training examples: every worker trains one example per tick.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from search.driver.revivals import Revivals
from search.storage.optuna_internals import reopen
from search.trials.folders import TrialFolders
from tests.benchmarks.replay.table import Row, Table, coordinates
from tests.search.stubs.memory_storage import MemoryStorage

__all__ = ["Method", "OptunaMethod", "Replay", "replay"]


class Method(Protocol):
    """A search as the simulation sees it."""

    def ask(self, number: int) -> Row | None:
        """Return the next configuration; None if none is left."""
        ...

    def report(self, number: int, rung: int) -> bool:
        """Report a rung that is not the trial's last; return whether the trial continues."""
        ...

    def complete(self, number: int) -> None:
        """Report that a trial was trained in full."""
        ...

    def revive(self) -> int | None:
        """Return a pruned trial that continues, at the cost of the rest, before another one begins; or None."""
        ...


@dataclass(frozen=True)
class Replay:
    """The outcome of a search.

    Attributes:
        costs: when each complete trial ended, in training examples of all workers together, ascending.
        best: the best complete trial's value by then.
        trials: number of trials started.
    """

    costs: np.ndarray
    best: np.ndarray
    trials: int

    def cost_of(self, target: float) -> float:
        """Return the training examples until a complete trial reached the target; infinite if none did."""
        reached = np.flatnonzero(self.best >= target)
        return float(self.costs[reached[0]]) if len(reached) else math.inf


def replay(table: Table, method: Method, workers: int, until: float = math.inf) -> Replay:
    """Run a search to the end of the table or of its budget.

    Args:
        table: the configurations.
        method: selects and stops configurations.
        workers: number of trials at the same time.
        until: training examples of all workers together.
    """
    ends: list[tuple[float, int, int, Row]] = []  # when a trial reaches its next rung; its number; the rung's index
    costs: list[float] = []
    best: list[float] = []
    pruned: dict[int, tuple[int, Row]] = {}  # by number: the rung's index
    begun = 0
    idle, now = workers, 0.0
    while True:
        while idle and now * workers < until:
            if (revived := method.revive()) is not None:
                rung, row = pruned.pop(revived)
                heapq.heappush(ends, (now + row.cost[rung + 1] - row.cost[rung], revived, rung + 1, row))
            elif (new := method.ask(begun)) is not None:
                heapq.heappush(ends, (now + new.cost[0], begun, 0, new))
                begun += 1
            else:
                break
            idle -= 1
        if not ends:
            return Replay(np.array(costs), np.array(best), begun)
        now, number, rung, row = heapq.heappop(ends)
        if rung == len(table.rungs) - 1:
            method.complete(number)
            costs.append(now * workers)
            best.append(max([row.value, *best[-1:]]))
        elif method.report(number, rung):
            heapq.heappush(ends, (now + row.cost[rung + 1] - row.cost[rung], number, rung + 1, row))
            continue
        else:
            pruned[number] = rung, row
        idle += 1


class OptunaMethod:
    """An Optuna sampler and pruner on the table.

    Args:
        table: the configurations.
        sampler: created for every trial from its number, as the driver does; or one for all.
        pruner: asked at every rung but the last.
        first_decision: training examples before which the pruner is not asked.
    """

    def __init__(self, table: Table, sampler: Any, pruner: optuna.pruners.BasePruner, first_decision: int = 0) -> None:
        self._first_decision = first_decision
        self._table = table
        self._free = Unvisited(table)
        self._sampler = sampler
        self._study = optuna.create_study(storage=MemoryStorage(), direction="maximize", pruner=pruner)
        self._revivals = Revivals(self._study, TrialFolders(Path()))  # the simulation writes no files
        self._trials: dict[int, tuple[Trial, Row]] = {}

    def ask(self, number: int) -> Row | None:
        """See :class:`Method`."""
        if not self._free.left:
            return None
        sampler = self._sampler if isinstance(self._sampler, BaseSampler) else self._sampler(number)
        self._study.sampler = Snapping(sampler, self._free)
        trial = self._study.ask()
        params = {name: trial._suggest(name, space) for name, space in self._table.space.items()}
        row = self._free.take(params)
        self._trials[number] = trial, row
        return row

    def report(self, number: int, rung: int) -> bool:
        """See :class:`Method`."""
        trial, row = self._trials[number]
        trial.report(row.overall[rung], self._table.rungs[rung])
        if self._table.rungs[rung] < self._first_decision or not trial.should_prune():
            return True
        self._study.tell(trial, state=TrialState.PRUNED)
        self._revivals.add(number)
        return False

    def revive(self) -> int | None:
        """See :class:`Method`."""
        number = self._revivals.take()
        if number is not None:
            reopen(self._study, number)
        return number

    def complete(self, number: int) -> None:
        """See :class:`Method`."""
        trial, row = self._trials[number]
        trial.report(row.overall[-1], self._table.rungs[-1])
        self._study.tell(trial, row.value)


class Unvisited:
    """The configurations that were not proposed yet; finds the nearest one to a proposal.

    What matters little counts little: otherwise a proposal would be replaced by one that agrees in settings without
    effect, and has another learning rate.
    """

    def __init__(self, table: Table) -> None:
        self._space, self._importance = table.space, table.importance
        self._rows = table.rows
        self._points = np.array([self._point(row.params) for row in table.rows])
        self._is_free = np.ones(len(table.rows), dtype=bool)

    @property
    def left(self) -> int:
        """Return the number of free rows."""
        return int(self._is_free.sum())

    def nearest(self, params: Mapping[str, Any]) -> Row:
        """Return the row at the smallest distance; squares are weighted by the table's importance."""
        distance = np.square(self._points - self._point(params)).sum(axis=1)
        return self._rows[int(np.argmin(np.where(self._is_free, distance, np.inf)))]

    def take(self, params: Mapping[str, Any]) -> Row:
        """Return the nearest row, which is then no longer free."""
        row = self.nearest(params)
        self._is_free[self._rows.index(row)] = False
        return row

    def _point(self, params: Mapping[str, Any]) -> np.ndarray:
        return np.concatenate(
            [
                math.sqrt(self._importance.get(name, 1.0)) * np.array(coordinates(space, params[name]))
                for name, space in self._space.items()
            ]
        )


class Snapping(BaseSampler):
    """A sampler that proposes the unvisited configuration that is nearest to what another sampler proposes."""

    def __init__(self, sampler: BaseSampler, free: Unvisited) -> None:
        self._sampler = sampler
        self._free = free

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """Return the whole space: a row is proposed as a whole."""
        return dict(self._free._space)

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Return the parameters of the nearest row."""
        together = self._sampler.infer_relative_search_space(study, trial)
        params = self._sampler.sample_relative(study, trial, together)
        for name, space in search_space.items():
            if name not in params:
                params[name] = self._sampler.sample_independent(study, trial, name, space)
        return dict(self._free.nearest(params).params)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse, because rows are proposed as a whole."""
        raise NotImplementedError

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Pass the call on to the sampler."""
        self._sampler.before_trial(study, trial)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Pass the call on to the sampler."""
        self._sampler.after_trial(study, trial, state, values)
