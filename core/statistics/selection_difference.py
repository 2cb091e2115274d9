"""Estimate how much better the winner of one selection is than that of another on the same examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.statistics.out_of_bag import BagScores
from core.statistics.overall import overall_score
from core.statistics.winners_curse import Expectations, expectation, summands
from data.tasks import TaskSpec

__all__ = ["Replayed", "expect_difference"]


@dataclass(frozen=True)
class Replayed:
    """A selection that was repeated in resamples.

    Attributes:
        bags: per task, scores of everything that any resample selected.
        selected: index into ``bags`` of what each of at least two resamples selected, (B,).
        winner: index of what was selected on all examples.
    """

    bags: Mapping[str, BagScores]
    selected: np.ndarray
    winner: int


def expect_difference(
    one: Replayed, other: Replayed, specs: Mapping[str, TaskSpec], weights: Mapping[str, float]
) -> Expectations:
    """Estimate by how much one selection's winner is better than the other's, on dev and on new examples.

    Like :func:`core.statistics.expect`, but of the differences of the summands, so that examples that are hard for both
    winners do not count.

    Args:
        one, other: repeated in the same resamples.
        specs: of the tasks.
        weights: of the tasks in the overall score.
    """
    tasks = {}
    for task in one.bags:
        metric = specs[task].metric
        width = metric.bounds[1] - metric.bounds[0]
        (dev, summed), (other_dev, other_summed) = _task(one, task), _task(other, task)
        tasks[task] = expectation(metric.gain(dev, other_dev), metric.gain(summed, other_summed), (-width, width))
    (dev, summed), (other_dev, other_summed) = _overall(one, specs, weights), _overall(other, specs, weights)
    return Expectations(expectation(dev - other_dev, summed - other_summed, (-1.0, 1.0)), tasks)


_Scored = tuple[float, np.ndarray]  # the winner's score on dev, and the summands of what is expected, (B,)


def _task(replayed: Replayed, task: str) -> _Scored:
    scores = replayed.bags[task]
    return float(scores.whole[replayed.winner]), summands(scores.whole, scores.outside, replayed.selected)


def _overall(replayed: Replayed, specs: Mapping[str, TaskSpec], weights: Mapping[str, float]) -> _Scored:
    whole = overall_score({task: scores.whole for task, scores in replayed.bags.items()}, specs, weights)
    outside = overall_score({task: scores.outside for task, scores in replayed.bags.items()}, specs, weights)
    return float(whole[replayed.winner]), summands(whole, outside, replayed.selected)
