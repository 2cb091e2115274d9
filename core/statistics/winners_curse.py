"""Estimate what the winner of a selection will score on new examples.

Bootstrap bias-corrected (Tsamardinos, Greasidou & Borboudakis 2018, "Bootstrapping the out-of-sample predictions for
efficient and accurate cross-validation"). The best of many scores on the same examples is optimistic: among equals luck
decides, and it does not repeat itself. In every resample of the examples the selection is repeated, and what it selects
is scored on the examples that were left out, which did not influence it. The mean of these scores is the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.statistics.out_of_bag import BagScores
from core.statistics.overall import overall_score
from data.tasks import TaskSpec

__all__ = ["Expectation", "Expectations", "expect", "expectation", "expectations", "replay_selection", "summands"]

# The examples left out are 1 / e of all: of one run, scores on them vary e - 1 times as much as scores on all of them.
_ON_ALL = 1.0 / (math.e - 1.0)  # of a variance


@dataclass(frozen=True)
class Expectation:
    """A score of what was selected, and what it is expected to be on new examples.

    Attributes:
        dev: on the examples that it was selected on.
        expected: on new ones.
        low, high: 95 % interval of the true score, that on endlessly many new ones.
    """

    dev: float
    expected: float
    low: float
    high: float

    @property
    def optimism(self) -> float:
        """Return by how much ``dev`` is higher than expected."""
        return self.dev - self.expected


@dataclass(frozen=True)
class Expectations:
    """Expectations of the overall score and of each task's own metric."""

    overall: Expectation
    tasks: dict[str, Expectation]


def replay_selection(
    bags: Mapping[str, BagScores], winner: int, specs: Mapping[str, TaskSpec], weights: Mapping[str, float]
) -> Expectations:
    """Estimate the scores of the run with the best overall score; ties go to the first.

    Args:
        bags: per task, scores of all that was selected from: of each run at each of its rungs, where checkpoints were
            chosen by the same score.
        winner: index of what was selected.
        specs: of the tasks.
        weights: of the tasks in the overall score.
    """
    inside = overall_score({task: scores.inside for task, scores in bags.items()}, specs, weights)
    return expect(bags, inside.argmax(axis=1), winner, specs, weights)


def expect(
    bags: Mapping[str, BagScores],
    selected: np.ndarray,
    winner: int,
    specs: Mapping[str, TaskSpec],
    weights: Mapping[str, float],
) -> Expectations:
    """Estimate the winner's scores from what the same selection chose in each resample.

    Resample b selects s(b). Let d(b) be s(b)'s score on the examples that b leaves out, minus the mean of s(b)'s
    left-out scores over all resamples. Then

        expected = mean over b of whole[s(b)] + d(b)

    whole[s] stands for that mean, which would do for an accuracy. A correlation or an F1 is lower on few examples than
    on many, and this would be taken for a bias of the selection. Where there is nothing to select from, what is
    expected is the score itself.

    The interval is expected ± t sd sqrt(1 / (e - 1) + 1 / B), where sd is that of the B summands, and t the 97.5 %
    quantile of Student's distribution with B - 1 degrees of freedom. The first term: summands are scores on 1 / e of
    the examples, whose variance is e - 1 times that of scores on all of them (for which reason quantiles of the
    summands, the paper's interval, hold the truth in more than 95 of 100 cases). The second is the error of the mean.

    Args:
        bags: per task, scores of everything that any resample selected.
        selected: index into ``bags`` of what each of at least two resamples selected, (B,).
        winner: index of what was selected on all examples.
        specs: of the tasks.
        weights: of the tasks in the overall score.
    """

    def one(whole: np.ndarray, outside: np.ndarray, bounds: tuple[float, float]) -> Expectation:
        return expectation(float(whole[winner]), summands(whole, outside, selected), bounds)

    return expectations(one, bags, specs, weights)


def expectations(
    one: Callable[[np.ndarray, np.ndarray, tuple[float, float]], Expectation],
    bags: Mapping[str, BagScores],
    specs: Mapping[str, TaskSpec],
    weights: Mapping[str, float],
) -> Expectations:
    """Estimate the overall score and that of every task.

    Args:
        one: takes scores on all examples, (runs,), on those left out, (B, runs), and the bounds of possible scores.
        bags: as for :func:`expect`, and so the rest.
        specs: of the tasks.
        weights: of the tasks in the overall score.
    """
    whole = {task: scores.whole for task, scores in bags.items()}
    outside = {task: scores.outside for task, scores in bags.items()}
    overall = one(overall_score(whole, specs, weights), overall_score(outside, specs, weights), (0.0, 1.0))
    return Expectations(overall, {task: one(whole[task], outside[task], specs[task].metric.bounds) for task in bags})


def summands(whole: np.ndarray, outside: np.ndarray, selected: np.ndarray) -> np.ndarray:
    """Compute the summands of :func:`expect`, (B,).

    Args:
        whole: scores on all examples, (runs,).
        outside: on those left out, (B, runs).
        selected: by every resample, (B,).
    """
    deviation = outside[np.arange(len(selected)), selected] - outside.mean(axis=0)[selected]
    found: np.ndarray = whole[selected] + deviation
    return found


def expectation(dev: float, of_resamples: np.ndarray, bounds: tuple[float, float]) -> Expectation:
    """Estimate a score from the summands of :func:`expect`, with an interval inside the bounds of possible scores."""
    from scipy import stats

    expected = float(of_resamples.mean())
    count = len(of_resamples)
    half = float(stats.t.ppf(0.975, count - 1) * of_resamples.std(ddof=1) * math.sqrt(_ON_ALL + 1.0 / count))
    return Expectation(dev, expected, max(bounds[0], expected - half), min(bounds[1], expected + half))
