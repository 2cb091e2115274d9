"""Estimate what the best of several configurations will score on new examples, each trained with several seeds.

Like :mod:`core.statistics.winners_curse`, repeat the selection in every resample: first the best checkpoint of every
run, then the configuration whose runs have the best mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from core.statistics.out_of_bag import BagScores
from core.statistics.overall import overall_score
from core.statistics.winners_curse import Expectation, Expectations, expect, expectation, expectations, summands
from data.tasks import TaskSpec

__all__ = ["Configurations", "replay_best_run", "replay_mean_selection"]

Configurations: TypeAlias = Sequence[Sequence[Sequence[int]]]
"""For each configuration, for each of its runs, the indices of the run's checkpoints."""


def replay_mean_selection(
    bags: Mapping[str, BagScores],
    runs: Configurations,
    winner: int,
    specs: Mapping[str, TaskSpec],
    weights: Mapping[str, float],
) -> Expectations:
    """Estimate the mean score, on new examples, of the runs of the configuration with the best mean overall score.

    Here a summand of :func:`~core.statistics.winners_curse.expect` is the mean over the runs of the configuration that
    the resample selected. The estimate is of the runs that were trained; runs with other seeds also differ by chance.

    Args:
        bags: as for :func:`replay_selection`, of all checkpoints.
        runs: where the checkpoints of each run are in ``bags``.
        winner: index of the configuration that was selected.
        specs: of the tasks.
        weights: of the tasks in the overall score.
    """
    checkpoints, chosen, _ = _choose(bags, runs, specs, weights)
    overall = overall_score({task: scores.whole for task, scores in bags.items()}, specs, weights)
    kept = [run[int(overall[list(run)].argmax())] for run in runs[winner]]

    def one(whole: np.ndarray, outside: np.ndarray, bounds: tuple[float, float]) -> Expectation:
        means = [np.mean([summands(whole, outside, run) for run in of_one], axis=0) for of_one in checkpoints]
        return expectation(float(whole[kept].mean()), np.stack(means)[chosen, np.arange(len(chosen))], bounds)

    return expectations(one, bags, specs, weights)


def replay_best_run(
    bags: Mapping[str, BagScores],
    runs: Configurations,
    winner: int,
    specs: Mapping[str, TaskSpec],
    weights: Mapping[str, float],
) -> Expectations:
    """Like :func:`replay_mean_selection`, but for the best run of the configuration with the best mean.

    ``winner`` is the index in ``bags`` of the checkpoint that was selected.
    """
    checkpoints, chosen, scores = _choose(bags, runs, specs, weights)
    best = [
        np.stack(of_one)[np.stack(of_scores).argmax(axis=0), np.arange(len(chosen))]
        for of_one, of_scores in zip(checkpoints, scores, strict=True)
    ]
    return expect(bags, np.stack(best)[chosen, np.arange(len(chosen))], winner, specs, weights)


def _choose(
    bags: Mapping[str, BagScores], runs: Configurations, specs: Mapping[str, TaskSpec], weights: Mapping[str, float]
) -> tuple[list[list[np.ndarray]], np.ndarray, list[list[np.ndarray]]]:
    """By resample, (B,) each: the best checkpoint of every run of every configuration, by its index in ``bags``; the
    configuration with the best mean; and the overall scores of the checkpoints in the resample.
    """
    inside = overall_score({task: scores.inside for task, scores in bags.items()}, specs, weights)  # (B, checkpoints)
    every = np.arange(len(inside))
    checkpoints = [[np.asarray(run)[inside[:, list(run)].argmax(axis=1)] for run in of_one] for of_one in runs]
    scores = [[inside[every, best] for best in of_one] for of_one in checkpoints]
    means = np.stack([np.mean(of_one, axis=0) for of_one in scores])  # (configurations, B)
    return checkpoints, means.argmax(axis=0), scores
