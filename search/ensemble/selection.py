"""Greedy selection among a study's trials, by their stored dev predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.config import RunConfig
from core.ensembles import Selection, select, select_in_bags
from core.ensembles.greedy_selection import Predictions
from core.metrics import overall_score, own_metric
from data.examples import Examples
from search.ensemble.members import Member
from search.ensemble.named_trials import Shares

__all__ = ["GreedyOptions", "select_members"]


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
    config = members[0].config
    gold = {task: np.asarray(examples.labels) for task, examples in dev.items()}
    if options.each_task:
        return {task: _shares(members, _select(members, (task,), config, gold, options)) for task in config.tasks}
    selected = _select(members, tuple(config.tasks), config, gold, options)
    return {task: _shares(members, selected) for task in config.tasks}


def _select(
    members: Sequence[Member],
    tasks: Sequence[str],
    config: RunConfig,
    gold: Mapping[str, np.ndarray],
    options: GreedyOptions,
) -> Selection:
    specs = {task: config.tasks[task].spec for task in tasks}
    weights = {task: config.tasks[task].score_weight for task in tasks}

    def score(predictions: Predictions) -> float:
        scores = {task: own_metric(spec, predictions[task], gold[task]) for task, spec in specs.items()}
        return overall_score(scores, specs, weights)

    predictions = [{task: member.predictions[task] for task in tasks} for member in members]
    if not options.bags:
        return select(predictions, score, options.steps, options.start)
    rng = np.random.default_rng(options.seed)
    return select_in_bags(predictions, score, options.steps, options.start, bags=options.bags, rng=rng)


def _shares(members: Sequence[Member], selection: Selection) -> dict[int, float]:
    shares = zip(members, selection.shares, strict=True)
    return {member.number: share for member, share in shares if share > 0}
