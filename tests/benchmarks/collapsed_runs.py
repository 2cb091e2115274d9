"""Measure what a run that fails to learn does to the intervals of other rows (the table in docs/metrics.md).

The script compares one variance for all rows, one variance per row, and rows of unusual spread excluded, as
:class:`core.statistics.ScoreIntervals` does. It prints how often 95 % intervals of a difference contain the truth, and
their median half widths, for two equal rows and for the first and the last row.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from core.statistics import ScoreIntervals, pooled_variance
from tests.core.statistics.collapsed_runs_simulation import Case

STUDIES = 5000
CASES = [
    Case("no run fails", 0),
    Case("no run fails, 4 rows", 0, rows=4),
    Case("no run fails, 6 rows of 2 seeds", 0, rows=6, seeds=2),
    Case("one run of the last row fails", 1),
    Case("one run in each of the last two rows fails", 2),
    Case("each run of the last row fails in 1 of 10 cases", 1, 0.1),
    Case("each run of every row fails in 1 of 10 cases", 8, 0.1),
]
HalfWidth = Callable[[int, int], float | None]


def together(scores: list[np.ndarray]) -> HalfWidth:
    """Compute Student's intervals of differences, with one variance for all rows."""
    variance, freedom = float(pooled_variance(scores)), sum(len(row) - 1 for row in scores)
    t = stats.t.ppf(0.975, freedom)
    return lambda one, other: float(t * math.sqrt(variance * (1 / len(scores[one]) + 1 / len(scores[other]))))


def by_itself(scores: list[np.ndarray]) -> HalfWidth:
    """Compute Welch's intervals of differences."""

    def half(one: int, other: int) -> float:
        interval = stats.ttest_ind(scores[one], scores[other], equal_var=False).confidence_interval()
        return float(interval.high - interval.low) / 2

    return half


def row(case: Case) -> str:
    """Print the row of one kind of study."""
    rng = np.random.default_rng(0)
    found, apart = np.empty((STUDIES, 3, 2, 2)), 0  # by rule and pair: the error, and the half width
    for study in range(STUDIES):
        scores = case.draw(rng)
        intervals = ScoreIntervals(scores, None)
        apart += bool(intervals.apart)
        for rule, half in enumerate((together(scores), by_itself(scores), intervals.difference_half_width)):
            for place, other in enumerate((1, case.rows - 1)):
                error = scores[0].mean() - scores[other].mean() - case.truth(0) + case.truth(other)
                found[study, rule, place] = abs(error), half(0, other)
    held = 100 * (found[..., 0] <= found[..., 1]).mean(axis=0)
    widths = np.median(found[..., 1], axis=0)
    cells = [f"{held[rule, place]:.1f} % ± {widths[rule, place]:.4f}" for place in range(2) for rule in range(3)]
    return f"| {case.title} | {100 * apart / STUDIES:.1f} % | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    print(f"{STUDIES} studies of each kind")
    rules = "one variance | each its own | apart"
    print(f"| | a row apart | alike: {rules} | first and last: {rules} |")
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        print(row(case), flush=True)


if __name__ == "__main__":
    main()
