"""Floors: a task's score below which a run is pruned, and with which no trial wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, Trial
from pydantic import Field, ValidationError

from core.config import RunConfig
from core.run.evaluation import Evaluation
from data.tasks import Metric
from search.display.values import shown
from search.parsing.errors import StudyFileError, did_you_mean
from search.parsing.named_choice import Options
from search.parsing.pydantic_messages import study_file_error

__all__ = ["Floor", "below_words", "constrain", "is_feasible", "parse_floors", "why_no_winner", "why_pruned"]

_LOWEST: dict[Metric, float] = {"accuracy": 0.0, "f1": 0.0, "pearson": -1.0, "spearman": -1.0}


@dataclass(frozen=True)
class Floor:
    """The lowest score that a task may have.

    Attributes:
        task: its name.
        score: in the task's own metric.
        start: training examples from which on runs are pruned; a winner meets the floor wherever its best rung lies.
    """

    task: str
    score: float
    start: int

    def lack(self, evaluation: Evaluation) -> float:
        """What is missing to the floor; 0 or less where it is met."""
        return self.score - evaluation.scores[self.task]

    def describe(self, evaluation: Evaluation) -> str:
        """``sst .412 is below its floor of .45``."""
        return below_words(self.task, evaluation.scores[self.task], self.score)


def below_words(task: str, score: float, floor: float) -> str:
    """``sst .412 is below its floor of .45``; with all digits where three would not show it."""
    three = f"{score:.3f}"
    number = three if float(three) < floor else repr(score)
    return f"{task} {_without_zero(number)} is below its floor of {_without_zero(shown(floor))}"


class _Options(Options):
    score: float
    start: int | None = Field(None, ge=0, alias="from")


def parse_floors(raw: Mapping[str, Any], base: RunConfig) -> tuple[Floor, ...]:
    """The floors that a study file sets, ``sst = 0.45`` or ``sst = { score = 0.45, from = 6000 }``.

    Args:
        raw: by task.
        base: has the tasks and the rungs. Without ``from``, a floor begins at the first rung not before half of the
            budget.

    Raises:
        StudyFileError: under ``floors``, for a task that the study does not have, a score that its metric cannot have,
            or a ``from`` beyond the budget.
    """
    return tuple(_floor(task, value, base) for task, value in raw.items())


def _floor(task: str, value: object, base: RunConfig) -> Floor:
    key = ("floors", task)
    if task not in base.tasks:
        known = ", ".join(base.tasks)
        raise StudyFileError(
            key, f"no task '{task}' in this study{did_you_mean(task, base.tasks) or '.'} Known: {known}"
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"score": value}
    if not isinstance(value, Mapping):
        raise StudyFileError(key, f"must be a score, or a table {{ score = 0.5, from = 1000 }}, got {value!r}")
    try:
        options = _Options.model_validate(value)
    except ValidationError as error:
        raise study_file_error(error, key, _Options) from error
    metric, budget = base.tasks[task].spec.metric, base.budget.examples
    if not _LOWEST[metric] <= options.score <= 1.0:
        raise StudyFileError(
            (*key, "score"),
            f"{metric} lies between {shown(_LOWEST[metric])} and 1, so no floor is at {shown(options.score)}",
        )
    start = options.start
    if start is None:
        start = next(rung for rung in base.rungs if 2 * rung >= budget)
    if start > budget:
        raise StudyFileError((*key, "from"), f"a full run ends at {budget:,} examples, before {start:,}")
    return Floor(task, options.score, start)


def why_pruned(floors: Sequence[Floor], evaluation: Evaluation) -> str:
    """Which floor ends a run at this evaluation, in words; empty if none does."""
    below = [floor for floor in floors if evaluation.rung >= floor.start and floor.lack(evaluation) > 0]
    if not below:
        return ""
    return f"{' and '.join(floor.describe(evaluation) for floor in below)} at {evaluation.rung:,} examples"


def why_no_winner(floors: Sequence[Floor], kept: Evaluation) -> str:
    """Why a run cannot win, with the weights of this evaluation; empty if it can."""
    below = [floor.describe(kept) for floor in floors if floor.lack(kept) > 0]
    return f"{' and '.join(below)}, so it cannot win" if below else ""


def constrain(trial: Trial, floors: Sequence[Floor], judged: Evaluation, *, complete: bool) -> None:
    """Record each floor as a constraint of Optuna, which samplers and the dashboard know; before the trial ends.

    Every trial gets all of them, as Optuna's GP sampler requires. Of a pruned trial, a floor that does not hold yet
    counts as met.

    Args:
        trial: still running.
        floors: of the study.
        judged: whose weights a complete trial keeps; the last one of a pruned trial.
        complete: whether the trial went to its end.
    """
    there = trial.constraints  # of a driver that was killed half-way; Optuna warns of a second value
    for floor in floors:
        holds = complete or judged.rung >= floor.start
        if (key := f"floor {floor.task}") not in there:
            trial.set_constraint(key, floor.lack(judged) if holds else 0.0)


def is_feasible(trial: FrozenTrial) -> bool:
    """Whether an ended trial meets all floors; one without floors does."""
    return all(lack <= 0 for lack in trial.constraints.values())


def _without_zero(number: str) -> str:
    """As scores are printed elsewhere: ``.45``."""
    return number.replace("0.", ".", 1) if number.lstrip("-").startswith("0.") else number
