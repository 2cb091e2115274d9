"""Measure the winner's curse, and what the estimate leaves of it, in simulated studies whose truth is known.

Prints the rows of the table in docs/metrics.md: means over the studies, and how often 95 % intervals contain the true
score.
"""

from __future__ import annotations

import numpy as np

from tests.core.statistics.winners_curse_simulation import Case, Outcome, simulate

STUDIES, RESAMPLES = 500, 100
CASES = [
    Case(1, 1),
    Case(1, 6),
    *(Case(20, 3, spread, alike) for alike in (0.5, 0.8) for spread in (0.0, 0.05, 0.2)),
    *(Case(100, 1, spread, 0.8) for spread in (0.0, 0.05, 0.2)),
]


def row(case: Case, outcomes: list[Outcome]) -> str:
    """Print the row of one case."""
    truth, naive, expected = (np.array([getattr(o, n) for o in outcomes]) for n in ("truth", "naive", "expected"))
    half = np.array([(one.high - one.low) / 2 for one in outcomes])
    held = np.mean([one.low <= one.truth <= one.high for one in outcomes])
    papers = np.mean([one.paper_low <= one.truth <= one.paper_high for one in outcomes])
    around_naive = np.mean(np.abs(naive - truth) <= half)
    return (
        f"| {case.trials} | {case.rungs} | {case.alike} | {case.spread} | {(naive - truth).mean():+.4f} | "
        f"{(expected - truth).mean():+.4f} | {half.mean():.4f} | {100 * held:.1f} | {100 * papers:.1f} | "
        f"{100 * around_naive:.1f} |"
    )


def main() -> None:
    """Print the table."""
    print(
        f"{STUDIES} studies of each kind, {RESAMPLES} resamples, {Case(1).examples} dev examples for each of two tasks"
    )
    print("| trials | rungs | alike | spread | naive | expected | ± | held % | by quantiles % | around naive % |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        rng = np.random.default_rng(0)
        print(row(case, [simulate(case, RESAMPLES, rng) for _ in range(STUDIES)]), flush=True)


if __name__ == "__main__":
    main()
