"""Compare rules of successive halving on recorded curves, for random search alone: without Optuna, in minutes.

    python -m tests.benchmarks.halving_rules [--draws 400]

Prints the cost until a complete trial is as good as random search with 40 fully trained configurations, as a fraction
of their cost (see ``search_replay``, whose seeds are too few to tell rules apart): the median and the mean over random
orders of the configurations, with one worker, and how many did not get there within 1.5 times that cost, which count as
1.5. With an oracle that knows after some rung which configurations are as good, no rule can be better than its line.
"""

from __future__ import annotations

import argparse
import math
from bisect import bisect_right, insort
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.replay.table import Table, load_table, tables
from tests.benchmarks.search_replay import GIVE_UP, RANDOM_TRIALS, random_search

ALL = 10**9


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        factor: one in this many trials continues at a rung.
        kept: number of pruned trials that may continue later.
        oracle: from which rung on only configurations that reach the target continue; None: the factor decides.
    """

    factor: float = 1.0
    kept: int = 0
    oracle: int | None = None


RULES = {
    "halving": Rule(2.0),
    "factor 2.5": Rule(2.5),
    "factor 3": Rule(3.0),
    **{f"factor {factor:g}, revived": Rule(factor, ALL) for factor in (2.0, 2.25, 2.5, 2.75, 3.0, 3.5)},
    **{f"factor 2.5, revived, {kept} kept": Rule(2.5, kept) for kept in (1, 2, 3, 4)},
    "oracle from the first rung on": Rule(oracle=0),
    "oracle after the warm-up": Rule(oracle=2),
}


class Replay:
    """One search in random order, with one worker."""

    def __init__(self, table: Table, rule: Rule, target: float, seed: int) -> None:
        self._rule, self._target = rule, target
        self._scores = np.array([row.overall for row in table.rows])
        self._costs = np.array([row.cost for row in table.rows])
        self._first = next(index for index, rung in enumerate(table.rungs) if rung >= table.warmup)
        self._reached: list[list[float]] = [[] for _ in table.rungs]  # sorted scores
        self._pruned: list[tuple[int, int]] = []  # rung and row of trials that may continue
        self._order = iter(np.random.default_rng(seed).permutation(len(table.rows)).tolist())

    def cost(self, limit: float) -> float:
        """Return the examples until a trial reaches the target; infinite beyond the limit."""
        spent = 0.0
        while spent < limit:
            revived = max((one for one in self._pruned if self._continues(*one)), key=self._turn, default=None)
            if revived is not None:
                self._pruned.remove(revived)
                rung, row = revived
                spent -= self._costs[row, rung]
                rung += 1
            elif (row := next(self._order, -1)) >= 0:
                rung = 0
            else:
                break
            last = self._train(row, rung)
            spent += self._costs[row, last]
            if last == len(self._reached) - 1 and self._scores[row].max() >= self._target:
                return spent
        return math.inf

    def _train(self, row: int, rung: int) -> int:
        """Train a row from a rung on; return the rung at which it ends."""
        while True:
            insort(self._reached[rung], self._scores[row, rung])
            if rung == len(self._reached) - 1:
                return rung
            if not self._continues(rung, row):
                self._pruned = sorted([*self._pruned, (rung, row)], key=self._wait)[: self._rule.kept]
                return rung
            rung += 1

    def _continues(self, rung: int, row: int) -> bool:
        if self._rule.oracle is not None:
            return rung < self._rule.oracle or self._scores[row].max() >= self._target
        places = max(1, math.floor(len(self._reached[rung]) / self._rule.factor))
        return rung < self._first or self._better(rung, row) < places

    def _better(self, rung: int, row: int) -> int:
        return len(self._reached[rung]) - bisect_right(self._reached[rung], self._scores[row, rung])

    def _turn(self, pruned: tuple[int, int]) -> tuple[int, float]:
        return pruned[0], self._scores[pruned[1], pruned[0]]

    def _wait(self, pruned: tuple[int, int]) -> float:
        rung, row = pruned
        missing = math.ceil(self._rule.factor * (self._better(rung, row) + 1)) - len(self._reached[rung])
        return missing * self._rule.factor ** (rung - self._first)


def main() -> None:
    """Print one line per rule and table, with both halves."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    for path in tables():
        print(f"{path.name}: median, mean and not reached, on each half")
        halves = [load_table(path).half(half) for half in (0, 1)]
        for name, rule in RULES.items():
            print(f"{name:32}", "   ".join(_summary(half, rule, draws) for half in halves), flush=True)


def _summary(table: Table, rule: Rule, draws: int) -> str:
    target, whole = random_search(table, RANDOM_TRIALS), RANDOM_TRIALS * table.full_cost
    costs = np.array([Replay(table, rule, target, seed).cost(GIVE_UP * whole) / whole for seed in range(draws)])
    median = np.quantile(costs, 0.5, method="lower")
    return f"{median:.2f}  {np.minimum(costs, GIVE_UP).mean():.3f}  {np.isinf(costs).mean():>4.0%}"


if __name__ == "__main__":
    main()
