"""Greedy selection among a study's trials, by their stored dev predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.config import TaskConfig
from core.ensembles import OverallObjective, Predictions, select, select_in_bags
from data.reading import RawSplit
from search.ensemble.members import Member

__all__ = ["GreedyOptions", "Shares", "select_members", "select_shares"]

Shares = dict[str, dict[int, float]]  # task -> trial -> share in the task's average, above 0, sum 1


@dataclass(frozen=True)
class GreedyOptions:
    """How to select; see :mod:`core.ensembles.greedy_selection`.

    Attributes:
        steps: members of the largest ensemble, those counted twice twice; of the average over bags, those that differ.
        start: how many of the best go in first.
        bags: resamples of the examples to select on, whose ensembles are averaged; 0: on the examples as they are.
        each_task: whether every task has members of its own, selected by its own metric; else all have the same,
            selected by the overall score.
    """

    steps: int
    start: int = 1
    bags: int = 0
    seed: int = 0
    each_task: bool = False


def select_members(members: Sequence[Member], dev: Mapping[str, RawSplit], options: GreedyOptions) -> Shares:
    """Select members by their dev predictions, and return their shares in every task."""
    gold = {task: np.asarray(examples.labels) for task, examples in dev.items()}
    predictions = {member.number: member.predictions for member in members}
    return select_shares(predictions, members[0].config.tasks, gold, options)


def select_shares(
    members: Mapping[int, Predictions],
    tasks: Mapping[str, TaskConfig],
    gold: Mapping[str, np.ndarray],
    options: GreedyOptions,
) -> Shares:
    """Select members, and return their shares in every task.

    Args:
        members: what each trial predicts for some examples of every task.
        tasks: what they are scored by.
        gold: the labels of these examples.
    """
    if options.each_task:
        return {name: _select(members, {name: task}, gold, options) for name, task in tasks.items()}
    return dict.fromkeys(tasks, _select(members, tasks, gold, options))


def _select(
    members: Mapping[int, Predictions],
    tasks: Mapping[str, TaskConfig],
    gold: Mapping[str, np.ndarray],
    options: GreedyOptions,
) -> dict[int, float]:
    specs = {name: task.spec for name, task in tasks.items()}
    weights = {name: task.score_weight for name, task in tasks.items()}
    objective = OverallObjective(list(members.values()), gold, specs, weights)
    if options.bags:
        rng = np.random.default_rng(options.seed)
        shares = select_in_bags(objective, options.steps, options.start, bags=options.bags, rng=rng)
    else:
        shares = select(objective, options.steps, options.start)
    return {number: share for number, share in zip(members, shares.tolist(), strict=True) if share > 0}
