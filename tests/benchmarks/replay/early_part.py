"""Recorded curves as they would be if early rungs scored a part of dev (``eval.early_share``).

The table has scores, no predictions, so the part's sampling noise is added to the scores. For n random ones of N
examples its variance is v (1/n - 1/N), with v = p (1 - p) for an accuracy p and v = (1 - r²)² for a correlation r. All
trials are scored on the same part, stratified by label, so that most of what they gain or lose by it they gain or lose
together: in seven trials of ``papers`` (sst, para and sts, 500 dev examples each), the spread of the difference between
two trials over 100 parts was .68 of what these formulas give, at a tenth and at a quarter of dev. The noise is drawn
with this spread for every trial and rung independently.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from data.task_files import builtin_tasks
from tests.benchmarks.replay.table import Row, Table

__all__ = ["DEV_EXAMPLES", "SPREAD", "EarlyPart"]

DEV_EXAMPLES = 300  # of each task, by which the recorded trials were scored
SPREAD = 0.68
"""Spread of the noise in differences between trials, as a ratio to that of a random part of each trial's own."""


class LastRungRow(Row):
    """A configuration that keeps the weights of the last rung, the only one that is scored on all of dev."""

    @property
    def value(self) -> float:
        """Return the value of a complete trial."""
        return self.overall[-1]


@dataclass(frozen=True)
class EarlyPart:
    """How early rungs are scored.

    Attributes:
        share: of the dev examples that they score, in (0, 1]; 1 adds no noise.
        spread: of the noise, as :data:`SPREAD`.
        cost: of scoring all of dev once, as a share of the mean cost of a full training; added to the costs.
        charged: share of this cost at early rungs; None: ``share``. A table with few dev examples stands for a larger
            one, whose share with the same noise is smaller.
    """

    share: float = 1.0
    spread: float = SPREAD
    cost: float = 0.0
    charged: float | None = None

    def scored(self, table: Table, seed: int) -> Table:
        """Return the table with the noise of a part in the overall scores of all rungs but the last."""
        rng = np.random.default_rng([seed, round(1000 * self.share)])
        charged = self.share if self.charged is None else self.charged
        spent = self.cost * table.full_cost * np.cumsum([charged] * (len(table.rungs) - 1) + [1.0])
        rows = table.rows if self.share == 1.0 else tuple(self._noisy(row, rng) for row in table.rows)
        return replace(table, rows=tuple(replace(row, cost=tuple((row.cost + spent).tolist())) for row in rows))

    def _noisy(self, row: Row, rng: np.random.Generator) -> Row:
        missing = (1 / self.share - 1) / DEV_EXAMPLES  # 1/n - 1/N
        overall = np.array(row.overall)
        for task, recorded in row.scores.items():
            scores = np.array(recorded)
            is_score = builtin_tasks()[task].kind.is_score
            spread = (1 - scores**2) / 2 if is_score else np.sqrt(scores * (1 - scores))  # of the normalised score
            noise = rng.normal(size=len(scores)) * self.spread * spread * math.sqrt(missing) / len(row.scores)
            overall[:-1] += noise[:-1]
        return LastRungRow(row.params, tuple(overall.tolist()), row.scores, row.cost)
