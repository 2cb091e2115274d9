"""Search shares of several tasks that sum to 1, uniformly over all such shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from core.config import RunConfig
from search.display.values import shown, shown_list
from search.parsing.errors import StudyFileError, name_hint
from search.space.conditions import Condition
from search.space.distribution import Distribution, Encoding, Numbers, Suggester
from search.space.entry import SpaceEntry
from search.space.narrow_range import NARROWED
from search.space.paths import FieldType, check_value

__all__ = ["SIMPLEX_PATH", "Simplex"]

SIMPLEX_PATH = "loss.weights"
"""The one setting that is searched as shares of the tasks."""


@dataclass(frozen=True)
class Simplex(Distribution):
    """The K tasks' shares: each at least its minimum, together 1, uniform there (Dirichlet(1, ..., 1) when 0).

    Optuna has no such distribution, so the shares are broken off a stick (Sethuraman 1994): the first of K tasks takes
    b ~ Beta(1, K-1) of it, the next b ~ Beta(1, K-2) of the rest, and so on, the last task what remains. Each b is
    made of a number u that is uniform on [0, 1], by inverting the Beta's distribution function:
    b = 1 - (1-u)^(1/(K-1)). The u, one for every task but the last, are what the sampler sees. A larger u is a larger
    share, which keeps plots of single parameters readable; near a corner, where (1-u)^(1/(K-1)) is steep, the price is
    that :meth:`uniforms` finds u only as far as a float holds 1-u.

    A value is the tuple of shares, in the order of the tasks. In a run, the tasks share the loss weight that they have
    together in the base (a task without one has 1), so that equal shares of equal weights change nothing.

    Attributes:
        tasks: at least two.
        minimum: lower bound of each share, in [0, 1/K); or one for each task, at least 0, together below 1.
    """

    tasks: tuple[str, ...]
    minimum: float | tuple[float, ...] = 0.0
    kind: ClassVar[str] = "simplex"
    noun: ClassVar[str] = "shares of tasks"
    keys: ClassVar[tuple[str, ...]] = ("simplex", "min")
    defaults: ClassVar[Mapping[str, object]] = {"min": 0.0}
    can_fail: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(self.tasks) < 2 or len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"a simplex needs at least two different tasks, got {list(self.tasks)}")
        if not isinstance(self.minimum, tuple):
            if not 0.0 <= self.minimum < 1.0 / len(self.tasks):
                raise ValueError(f"min must be at least 0 and below 1/{len(self.tasks)}, got {self.minimum}")
        elif len(self.minimum) != len(self.tasks):
            raise ValueError(f"min must have a number for each of {', '.join(self.tasks)}, got {len(self.minimum)}")
        elif min(self.minimum) < 0.0 or not sum(self.minimum) < 1.0:
            given = " + ".join(f"{minimum:g}" for minimum in self.minimum)
            raise ValueError(f"min must be at least 0 for each task and below 1 together, got {given}")

    @classmethod
    def parse(cls, entry: SpaceEntry) -> Simplex:
        """Read ``{ simplex = true }`` or ``{ simplex = [...], min = ... }``."""
        key, tasks = entry.key, entry.table.get("simplex")
        if entry.path != SIMPLEX_PATH:
            raise StudyFileError((*key, "simplex"), f'shares of tasks are searched under "{SIMPLEX_PATH}" only')
        entry.check_keys(cls.keys)
        if tasks is True:
            tasks = list(entry.base.tasks)
        if not isinstance(tasks, list):
            raise StudyFileError((*key, "simplex"), f"must be true, or a list of the study's tasks, got {shown(tasks)}")
        for task in tasks:
            if task not in entry.base.tasks:
                hint = name_hint(str(task), entry.base.tasks)
                raise StudyFileError((*key, "simplex"), f"no such task in this study: {task!r}{hint}")
        minimum = _parse_minimum(entry.table.get("min", 0.0), tasks, (*key, "min"))
        try:
            simplex = cls(tuple(tasks), minimum)
        except ValueError as error:
            raise StudyFileError(key, str(error)) from error
        if not sum(entry.base.loss.weights[task] for task in tasks):
            raise StudyFileError(
                key, f"{shown_list(tasks)} have no loss weight to share: base.loss.weights is 0 for each"
            )
        return simplex

    def to_json(self) -> dict[str, Any]:
        """Return the table of a study file."""
        return {"simplex": list(self.tasks), "min": self.minima if isinstance(self.minimum, tuple) else self.minimum}

    def describe(self) -> str:
        """Return ``shares of sst, para, sts, each at least 0.1``."""
        if isinstance(self.minimum, tuple):
            return "shares of " + ", ".join(f"{task} from {least:.3g}" for task, least in self.minima.items())
        least = f", each at least {self.minimum:g}" if self.minimum else ""
        return f"shares of {', '.join(self.tasks)}{least}"

    def suggest(self, trial: Suggester, path: str) -> tuple[float, ...]:
        """Ask the trial for the numbers u, and return the shares."""
        uniforms = [trial.suggest_float(name, 0.0, 1.0, step=None, log=False) for name in self.parameters(path)]
        return tuple(self.shares(uniforms).values())

    def contains(self, value: object) -> bool:
        """Return whether these are shares of all tasks, none below its minimum."""
        if not isinstance(value, tuple) or len(value) != len(self.tasks):
            return False
        return self.uniforms(dict(zip(self.tasks, value, strict=True))) is not None

    def put(self, tree: dict[str, Any], path: str, value: Any) -> None:  # noqa: ARG002
        """Share out the loss weight that the tasks have together in the nested dictionary."""
        weights = tree["loss"]["weights"]
        total = sum(weights[task] for task in self.tasks)
        weights.update({task: total * share for task, share in zip(self.tasks, value, strict=True)})

    def read(self, config: RunConfig, path: str) -> tuple[float, ...]:  # noqa: ARG002
        """Return the shares that a run's loss weights are."""
        weights = [config.loss.weights[task] for task in self.tasks]
        return tuple(weight / sum(weights) for weight in weights)

    def settings(self, path: str) -> set[str]:
        """Return the paths of the tasks' weights."""
        return {f"{path}.{task}" for task in self.tasks}

    def shown(self, config: RunConfig, path: str) -> dict[str, Any]:
        """Return the shares task by task, ``loss.weights.sst``."""
        return {f"{path}.{task}": share for task, share in zip(self.tasks, self.read(config, path), strict=True)}

    def encode(self, config: RunConfig, path: str) -> Encoding:
        """Return the numbers u that give the run's shares."""
        weights = {task: config.loss.weights[task] for task in self.tasks}
        if sum(weights.values()) > 0.0:
            uniforms = self.uniforms(dict(zip(self.tasks, self.read(config, path), strict=True)))
            if uniforms is not None:
                return Encoding(dict(zip(self.parameters(path), uniforms, strict=True)))
        return self._outside(path, ", ".join(f"{task} {shown(weight)}" for task, weight in weights.items()))

    def narrowed(self, config: RunConfig, path: str, rules: Sequence[Condition]) -> Simplex:  # noqa: ARG002
        """Return the simplex shrunk to a quarter of its width around the run's shares."""
        return self.around(dict(zip(self.tasks, self.read(config, path), strict=True)), NARROWED)

    def numbers(self, values: Sequence[Any]) -> Numbers:
        """Return a column for each share, 0 in trials without."""
        columns = np.array([value or (0.0,) * len(self.tasks) for value in values], np.float32)
        return Numbers("shares", columns, tasks=self.tasks)

    @property
    def minima(self) -> dict[str, float]:
        """Lower bound of each task's share, by task."""
        bounds = self.minimum if isinstance(self.minimum, tuple) else (self.minimum,) * len(self.tasks)
        return dict(zip(self.tasks, bounds, strict=True))

    def around(self, shares: Mapping[str, float], size: float) -> Simplex:
        """Return the simplex shrunk to ``size`` (0 to 1) of its width towards its point ``shares``, which stays fixed.

        Every share is at least ``size`` of the way from its own value down to its old minimum; ``shares`` has the same
        numbers u in both.
        """
        return Simplex(
            self.tasks, tuple(size * least + (1.0 - size) * shares[task] for task, least in self.minima.items())
        )

    def parameters(self, path: str) -> list[str]:
        """Return the names of the numbers u, in the order of the tasks: ``loss.weights[sst]``."""
        return [f"{path}[{task}]" for task in self.tasks[:-1]]

    def shares(self, uniforms: list[float]) -> dict[str, float]:
        """Return task -> share for K-1 numbers in [0, 1]."""
        minima, rest = self.minima, 1.0
        shares: dict[str, float] = {}
        for task, later, u in zip(self.tasks[:-1], self._later, uniforms, strict=True):
            kept = (1.0 - u) ** (1.0 / later)
            shares[task] = minima[task] + self._free * rest * (1.0 - kept)
            rest *= kept
        shares[self.tasks[-1]] = minima[self.tasks[-1]] + self._free * rest
        return shares

    def uniforms(self, shares: Mapping[str, float]) -> list[float] | None:
        """Return the numbers u that give these shares (which sum to 1); None if a share is below its minimum."""
        minima, rest = self.minima, 1.0
        uniforms = []
        for task, later in zip(self.tasks[:-1], self._later, strict=True):
            part = (shares[task] - minima[task]) / self._free
            # With nothing left to share, any u gives a share of 0.
            kept = 1.0 if rest <= 0.0 else 1.0 - part / rest
            uniforms.append(1.0 - min(max(kept, 0.0), 1.0) ** later)
            rest -= part
        return uniforms if all(shares[task] >= least - 1e-12 for task, least in minima.items()) else None

    @property
    def _free(self) -> float:
        """What is left to share out above the minima."""
        if isinstance(self.minimum, tuple):
            return 1.0 - sum(self.minimum)
        return 1.0 - self.minimum * len(self.tasks)

    @property
    def _later(self) -> range:
        """For every task but the last, how many tasks come after it."""
        return range(len(self.tasks) - 1, 0, -1)


def _parse_minimum(raw: object, tasks: list[str], key: tuple[str, ...]) -> float | tuple[float, ...]:
    """Return one number for all shares, or one for each from a table for some of the tasks."""
    if not isinstance(raw, dict):
        return float(check_value(raw, FieldType(float), key))
    for task in raw:
        if task not in tasks:
            raise StudyFileError((*key, task), f"is not one of the tasks that share: {shown_list(tasks)}")
    return tuple(check_value(raw.get(task, 0.0), FieldType(float), (*key, task)) for task in tasks)
