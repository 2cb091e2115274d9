"""Greedy selection among a study's trials, by their stored dev predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.config import RunConfig
from core.ensembles import select, select_in_bags
from core.ensembles.greedy_selection import Predictions
from core.metrics import overall_score, own_metric
from data.examples import Examples
from search.ensemble.members import Member
from search.ensemble.named_trials import Shares

__all__ = ["GreedyOptions", "select_members", "select_shares"]


@dataclass(frozen=True)
class GreedyOptions:
    """How to select; see :mod:`core.ensembles.greedy_selection`.

    Attributes:
        steps: members of the largest ensemble, those counted twice twice.
        start: how many of the best go in first.
        bags: random halves of the candidates to select from, whose ensembles are averaged; 0: from all at once.
        seed: of the bags.
        each_task: whether every task has members of its own, selected by its own metric; else all have the same,
            selected by the overall score.
    """

    steps: int
    start: int = 1
    bags: int = 0
    seed: int = 0
    each_task: bool = False


def select_members(members: Sequence[Member], dev: Mapping[str, Examples], options: GreedyOptions) -> Shares:
    """The selected trials' shares in every task, by their predictions for the dev examples that they are scored on."""
    gold = {task: np.asarray(examples.labels) for task, examples in dev.items()}
    predictions = {member.number: member.predictions for member in members}
    return select_shares(predictions, members[0].config, gold, options)


def select_shares(
    members: Mapping[int, Predictions], config: RunConfig, gold: Mapping[str, np.ndarray], options: GreedyOptions
) -> Shares:
    """The selected members' shares in every task.

    Args:
        members: what each trial predicts for some examples of every task.
        config: of any of them.
        gold: the labels of these examples.
        options: how to select.
    """
    if options.each_task:
        return {task: _select(members, (task,), config, gold, options) for task in config.tasks}
    return dict.fromkeys(config.tasks, _select(members, tuple(config.tasks), config, gold, options))


def _select(
    members: Mapping[int, Predictions],
    tasks: Sequence[str],
    config: RunConfig,
    gold: Mapping[str, np.ndarray],
    options: GreedyOptions,
) -> dict[int, float]:
    specs = {task: config.tasks[task].spec for task in tasks}
    weights = {task: config.tasks[task].score_weight for task in tasks}

    def score(predictions: Predictions) -> float:
        scores = {task: own_metric(spec, predictions[task], gold[task]) for task, spec in specs.items()}
        return overall_score(scores, specs, weights)

    library = [{task: predictions[task] for task in tasks} for predictions in members.values()]
    if options.bags:
        rng = np.random.default_rng(options.seed)
        selected = select_in_bags(library, score, options.steps, options.start, bags=options.bags, rng=rng)
    else:
        selected = select(library, score, options.steps, options.start)
    return {number: share for number, share in zip(members, selected.shares, strict=True) if share > 0}
