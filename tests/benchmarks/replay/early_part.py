"""Recorded curves as they would be if early rungs scored a part of dev (``eval.early_share``).

The table has scores, no predictions, so the part's sampling noise is added to the scores: its variance for n of N
examples is v (1/n - 1/N), with v = p (1 - p) for an accuracy p and v = (1 - r²)² for a correlation r. It is drawn for
every trial and rung independently. In a study all trials and rungs are scored on the same part; what they gain or lose
by it together changes no rank, so real noise disturbs pruning less.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from data.task_files import builtin_tasks
from tests.benchmarks.replay.table import Row, Table

__all__ = ["DEV_EXAMPLES", "with_early_part"]

DEV_EXAMPLES = 300  # of each task, by which the recorded trials were scored


class LastRungRow(Row):
    """A configuration that keeps the weights of the last rung, the only one that is scored on all of dev."""

    @property
    def value(self) -> float:
        """Return the value of a complete trial."""
        return self.overall[-1]


def with_early_part(table: Table, share: float, seed: int) -> Table:
    """Return the table with the noise of a part in the overall scores of all rungs but the last.

    Args:
        table: as it was recorded.
        share: of the dev examples that early rungs score, in (0, 1]; 1 changes nothing.
        seed: of the noise.
    """
    if share == 1.0:
        return table
    rng = np.random.default_rng([seed, round(1000 * share)])
    return replace(table, rows=tuple(_noisy(row, share, rng) for row in table.rows))


def _noisy(row: Row, share: float, rng: np.random.Generator) -> Row:
    missing = (1 / share - 1) / DEV_EXAMPLES  # 1/n - 1/N
    overall = np.array(row.overall)
    for task, recorded in row.scores.items():
        scores = np.array(recorded)
        is_score = builtin_tasks()[task].kind.is_score
        spread = (1 - scores**2) / 2 if is_score else np.sqrt(scores * (1 - scores))  # of the normalised score
        noise = rng.normal(size=len(scores)) * spread * math.sqrt(missing) / len(row.scores)
        overall[:-1] += noise[:-1]
    return LastRungRow(row.params, tuple(overall.tolist()), row.scores, row.cost)
