"""Shares of several tasks that sum to 1, uniform over all such shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.space.distributions import Suggester

__all__ = ["Simplex"]


@dataclass(frozen=True)
class Simplex:
    """The K tasks' shares: each at least its minimum, together 1, uniform there (Dirichlet(1, ..., 1) when 0).

    Optuna has no such distribution, so the shares are broken off a stick (Sethuraman 1994): the first of K tasks takes
    b ~ Beta(1, K-1) of it, the next b ~ Beta(1, K-2) of the rest, and so on, the last task what remains. Each b is
    made of a number u that is uniform on [0, 1], by inverting the Beta's distribution function:
    b = 1 - (1-u)^(1/(K-1)). The u, one for every task but the last, are what the sampler sees. A larger u is a larger
    share, which keeps plots of single parameters readable; near a corner, where (1-u)^(1/(K-1)) is steep, the price is
    that :meth:`encode` finds u only as far as a float holds 1-u.

    Attributes:
        tasks: at least two.
        minimum: lower bound of each share, in [0, 1/K); or one for each task, at least 0, together below 1.
    """

    tasks: tuple[str, ...]
    minimum: float | tuple[float, ...] = 0.0
    kind = "simplex"

    def __post_init__(self) -> None:
        if len(self.tasks) < 2 or len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"a simplex needs at least two different tasks, got {list(self.tasks)}")
        if isinstance(self.minimum, tuple):
            self._check_minima(self.minimum)
        elif not 0.0 <= self.minimum < 1.0 / len(self.tasks):
            raise ValueError(f"min must be at least 0 and below 1/{len(self.tasks)}, got {self.minimum}")

    def _check_minima(self, minima: tuple[float, ...]) -> None:
        if len(minima) != len(self.tasks):
            raise ValueError(f"min must have a number for each of {', '.join(self.tasks)}, got {len(minima)}")
        if min(minima) < 0.0 or not sum(minima) < 1.0:
            shown = " + ".join(f"{minimum:g}" for minimum in minima)
            raise ValueError(f"min must be at least 0 for each task and below 1 together, got {shown}")

    @property
    def minima(self) -> dict[str, float]:
        """Task -> lower bound of its share."""
        bounds = self.minimum if isinstance(self.minimum, tuple) else (self.minimum,) * len(self.tasks)
        return dict(zip(self.tasks, bounds, strict=True))

    def around(self, shares: Mapping[str, float], size: float) -> Simplex:
        """The simplex shrunk to ``size`` (0 to 1) of its width, with the point ``shares`` of it as the fixed point.

        Every share is at least ``size`` of the way from its own value down to its old minimum; ``shares`` has the same
        numbers u in both.
        """
        return Simplex(
            self.tasks, tuple(size * least + (1.0 - size) * shares[task] for task, least in self.minima.items())
        )

    def parameters(self, path: str) -> list[str]:
        """Names of the numbers u, in the order of the tasks: ``loss.weights[sst]``."""
        return [f"{path}[{task}]" for task in self.tasks[:-1]]

    def suggest(self, trial: Suggester, path: str) -> dict[str, float]:
        """Ask the trial; task -> share."""
        return self.shares(
            [trial.suggest_float(name, 0.0, 1.0, step=None, log=False) for name in self.parameters(path)]
        )

    def shares(self, uniforms: list[float]) -> dict[str, float]:
        """Task -> share for K-1 numbers in [0, 1]."""
        minima, rest = self.minima, 1.0
        shares: dict[str, float] = {}
        for task, (later, u) in zip(self.tasks, self._breaks(uniforms), strict=False):
            kept = (1.0 - u) ** (1.0 / later)
            shares[task] = minima[task] + self._free * rest * (1.0 - kept)
            rest *= kept
        shares[self.tasks[-1]] = minima[self.tasks[-1]] + self._free * rest
        return shares

    def encode(self, shares: Mapping[str, float]) -> list[float] | None:
        """The numbers u that give these shares (which sum to 1); None if a share is below the minimum."""
        minima, rest = self.minima, 1.0
        uniforms = []
        for later, above in self._breaks([shares[task] - minima[task] for task in self.tasks[:-1]]):
            part = above / self._free
            # With nothing left to share, any u gives a share of 0.
            kept = 1.0 if rest <= 0.0 else 1.0 - part / rest
            uniforms.append(1.0 - min(max(kept, 0.0), 1.0) ** later)
            rest -= part
        return uniforms if all(shares[task] >= least - 1e-12 for task, least in minima.items()) else None

    def describe(self) -> str:
        """For a table: ``shares of sst, para, sts, each at least 0.1``."""
        if isinstance(self.minimum, tuple):
            return "shares of " + ", ".join(f"{task} from {least:.3g}" for task, least in self.minima.items())
        least = f", each at least {self.minimum:g}" if self.minimum else ""
        return f"shares of {', '.join(self.tasks)}{least}"

    def to_json(self) -> dict[str, Any]:
        """What a study file would hold."""
        return {"simplex": list(self.tasks), "min": self.minima if isinstance(self.minimum, tuple) else self.minimum}

    @property
    def _free(self) -> float:
        """What is left to share out above the minima."""
        if isinstance(self.minimum, tuple):
            return 1.0 - sum(self.minimum)
        return 1.0 - self.minimum * len(self.tasks)

    def _breaks(self, numbers: list[float]) -> Iterator[tuple[int, float]]:
        """For every task but the last, how many tasks come after it, and its number."""
        yield from zip(range(len(self.tasks) - 1, 0, -1), numbers, strict=True)
