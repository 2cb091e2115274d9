"""Check the expected scores of ensembles, and the value of bags, in simulated studies whose truth is known.

Prints the rows of the tables in docs/ensembles.md: means over the studies, and how often 95 % intervals contain the
true score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.statistics import Expectation
from search.ensemble.selection import GreedyOptions
from tests.core.statistics.winners_curse_simulation import Case
from tests.search.ensemble.selection_simulation import Outcome, simulate, true_gains

STUDIES, STEPS, POOL = 200, 10, 10
CASES = [Case(20, 2, spread, alike) for spread, alike in ((0.1, 0.8), (0.0, 0.5), (0.3, 0.8))]
BAGS = (0, 5, 10, 20, 40)


def coverage_row(case: Case, bags: int, resamples: int, outcomes: Sequence[Outcome]) -> str:
    """Return estimates of the ensemble's score, and of its gain over the best trial."""
    scores = _columns([one.ensemble for one in outcomes], np.array([one.truth for one in outcomes]))
    gains = _columns([one.gain for one in outcomes], np.array([one.true_gain for one in outcomes]))
    return f"| {case.spread} | {case.alike} | {bags} | {resamples} | {scores} | {gains} |"


def _columns(found: Sequence[Expectation], truth: np.ndarray) -> str:
    dev, expected, low, high = (
        np.array([getattr(one, name) for one in found]) for name in ("dev", "expected", "low", "high")
    )
    held = 100 * np.mean((low <= truth) & (truth <= high))
    return (
        f"{(dev - truth).mean():+.4f} | {(expected - truth).mean():+.4f} | {((high - low) / 2).mean():.4f} | {held:.1f}"
    )


def main() -> None:
    """Print the tables."""
    print("| trials | examples | alike | spread | pool | true gain with bags", *BAGS, "|", sep=" | ")
    for case, pool in (
        *((Case(40, 1, 0.1, 0.8, examples), pool) for examples in (200, 1000) for pool in (3, 30)),
        *((Case(40, 1, spread, 0.9, 1000), 30) for spread in (0.05, 0.3)),
    ):
        rng = np.random.default_rng(0)
        gains = np.array(
            [true_gains(case, [GreedyOptions(STEPS, bags=bags) for bags in BAGS], pool, rng) for _ in range(STUDIES)]
        )
        means = " | ".join(f"{gain:+.4f}" for gain in gains.mean(axis=0))
        print(f"| {case.examples} | {case.alike} | {case.spread} | {pool} | {means} |", flush=True)
    print("| spread | alike | bags | resamples | naive | expected | ± | held % | gain: naive | expected | ± | held % |")
    for case in CASES:
        for bags in (0, 20):
            for resamples in (20, 100):
                rng = np.random.default_rng(0)
                options = GreedyOptions(STEPS, bags=bags)
                outcomes = [simulate(case, options, POOL, resamples, rng) for _ in range(STUDIES)]
                print(coverage_row(case, bags, resamples, outcomes), flush=True)


if __name__ == "__main__":
    main()
