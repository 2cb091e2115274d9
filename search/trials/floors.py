"""Floors: a score that a task must reach, else a run is pruned and does not win.

Where smaller is better, as for RMSE, the same number is a ceiling: a score that a task must not exceed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optuna.trial import FrozenTrial, Trial
from pydantic import Field

from core.config import RunConfig
from core.run.evaluation import Evaluation
from data.metrics import Metric
from search.display.values import shown
from search.parsing.errors import StudyFileError, name_hint
from search.parsing.named_choice import Options
from search.parsing.pydantic_messages import validated

__all__ = ["Floor", "constrain", "is_feasible", "missed_words", "parse_floors", "why_no_winner", "why_pruned"]


@dataclass(frozen=True)
class Floor:
    """The worst score that a task may have.

    Attributes:
        score: in the task's own metric, as it is shown.
        start: training examples from which on runs are pruned; a winner meets the floor wherever its best rung lies.
        is_ceiling: whether smaller scores are better, so that this is the highest one allowed.
        is_half: whether ``start`` follows from the length of the run, see :func:`parse_floors`.
        fold_length: training examples of each model of a run over folds; None: of one model.
    """

    task: str
    score: float
    start: int
    is_ceiling: bool = False
    is_half: bool = field(default=False, compare=False)
    fold_length: int | None = field(default=None, compare=False)

    def in_run(self, config: RunConfig) -> Floor:
        """Return the floor of a run, which may be longer or shorter than the base."""
        own = replace(self, fold_length=config.budget.examples if config.models > 1 else None)
        return replace(own, start=_half_way(config)) if self.is_half else own

    def holds_at(self, rung: int) -> bool:
        """Return whether runs are pruned at this rung; in a run over folds, from ``start`` examples of a fold on.

        The mean over folds falls whenever the model of another fold begins.
        """
        if self.fold_length is not None:
            rung = (rung - 1) % self.fold_length + 1
        return rung >= self.start

    def lack(self, evaluation: Evaluation) -> float:
        """Return how much is missing to the floor, or exceeds the ceiling; 0 or less where it is met."""
        score = evaluation.scores[self.task]
        return score - self.score if self.is_ceiling else self.score - score

    def describe(self, evaluation: Evaluation) -> str:
        """Say that it is missed: ``sst .412 is below its floor of .45``."""
        return missed_words(self.task, evaluation.scores[self.task], self.score, is_ceiling=self.is_ceiling)


def missed_words(task: str, score: float, floor: float, *, is_ceiling: bool) -> str:
    """Write ``sst .412 is below its floor of .45``, with all digits where three would not show the difference."""
    three = f"{score:.3f}"
    is_shown = float(three) > floor if is_ceiling else float(three) < floor
    number = _without_zero(three if is_shown else repr(score))
    limit = "above its ceiling" if is_ceiling else "below its floor"
    return f"{task} {number} is {limit} of {_without_zero(shown(floor))}"


class _Options(Options):
    score: float
    start: int | None = Field(None, ge=0, alias="from")


def parse_floors(raw: Mapping[str, Any], base: RunConfig) -> tuple[Floor, ...]:
    """Parse the floors of a study file, ``sst = 0.45`` or ``sst = { score = 0.45, from = 6000 }``.

    Args:
        raw: by task.
        base: has the tasks and the rungs. Without ``from``, a floor begins at the first rung at or after half of the
            budget.

    Raises:
        StudyFileError: under ``floors``, for a task that the study does not have, a score that its metric cannot have,
            or ``from`` beyond the budget.
    """
    return tuple(_floor(task, value, base) for task, value in raw.items())


def _floor(task: str, value: object, base: RunConfig) -> Floor:
    key = ("floors", task)
    if task not in base.tasks:
        known = ", ".join(base.tasks)
        raise StudyFileError(key, f"no task '{task}' in this study{name_hint(task, base.tasks) or '.'} Known: {known}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"score": value}
    if not isinstance(value, Mapping):
        raise StudyFileError(key, f"must be a score, or a table {{ score = 0.5, from = 1000 }}, got {value!r}")
    options = validated(_Options, value, key)
    metric, budget = base.tasks[task].spec.metric, base.budget.examples
    low, high = metric.bounds
    if not low <= options.score <= high:
        raise StudyFileError((*key, "score"), f"{_bounds_words(metric)}, got {shown(options.score)}")
    start = options.start
    if start is None:
        start = _half_way(base)
    if start > budget:
        raise StudyFileError((*key, "from"), f"must be at most {budget:,}, the examples of a full run, got {start:,}")
    is_half = options.start is None
    return Floor(task, options.score, start, is_ceiling=not metric.larger_is_better, is_half=is_half)


def _half_way(config: RunConfig) -> int:
    return next(rung for rung in config.rungs if 2 * rung >= config.budget.examples)


def _bounds_words(metric: Metric) -> str:
    low, high = metric.bounds
    if math.isinf(high):
        return f"{metric} is at least {shown(low)}"
    return f"{metric} lies between {shown(low)} and {shown(high)}"


def why_pruned(floors: Sequence[Floor], evaluation: Evaluation) -> str:
    """Say which floor ends a run at this evaluation; empty if none does."""
    below = [floor for floor in floors if floor.holds_at(evaluation.rung) and floor.lack(evaluation) > 0]
    if not below:
        return ""
    return f"{' and '.join(floor.describe(evaluation) for floor in below)} at {evaluation.rung:,} examples"


def why_no_winner(floors: Sequence[Floor], kept: Evaluation) -> str:
    """Say why a run with the weights of this evaluation cannot win; empty if it can."""
    below = [floor.describe(kept) for floor in floors if floor.lack(kept) > 0]
    return f"{' and '.join(below)}, so it cannot win" if below else ""


def constrain(trial: Trial, floors: Sequence[Floor], judged: Evaluation, *, complete: bool) -> None:
    """Record each floor as an Optuna constraint, for samplers and the dashboard, before the trial ends.

    Every trial gets all of them, as Optuna's GP sampler requires. For a pruned trial, a floor that had not begun yet
    counts as met.

    Args:
        trial: still running.
        judged: the evaluation whose weights a complete trial keeps; the last one of a pruned trial.
        complete: whether the trial ran to its end.
    """
    there = trial.constraints  # some may be left by a driver that was killed here; Optuna warns of a second value
    for floor in floors:
        holds = complete or floor.holds_at(judged.rung)
        if (key := f"floor {floor.task}") not in there:
            trial.set_constraint(key, floor.lack(judged) if holds else 0.0)


def is_feasible(trial: FrozenTrial) -> bool:
    """Return whether an ended trial meets all floors; one without floors does."""
    return all(lack <= 0 for lack in trial.constraints.values())


def _without_zero(number: str) -> str:
    """Write ``.45``, as scores are printed elsewhere."""
    return number.replace("0.", ".", 1) if number.lstrip("-").startswith("0.") else number
