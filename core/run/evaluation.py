"""Record one evaluation on dev, as it is passed from the run to its observer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.run.cost import Cost

__all__ = ["Evaluation", "best_evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """Dev scores at one rung.

    Attributes:
        rung: the nominal position in training examples; what pruners see.
        examples: training examples actually seen (whole batches, so up to a batch more than the rung).
        step: optimiser steps taken.
        overall: weighted mean of the normalised task scores, 0 to 1.
        scores: each task's own metric (accuracy and F1 0 to 1, correlations -1 to 1).
        metrics: further numbers per task; see :mod:`core.statistics` and :class:`core.scoring.DevScores`.
        train_loss: each task's mean training loss since the previous rung; a task without a batch is missing.
        seconds: training and evaluation so far, including those before an interruption.
        examples_per_second: training speed since the previous rung, excluding evaluation.
        confusion: for each classification task, the number of dev examples of each gold class (rows) predicted as each
            class (columns).
        loss_weights: the factor of each task's loss at this point, not counting a batch's share; empty in files written
            before weights were recorded.
        cost: the cost so far; None in files written before costs were recorded.
        dev_share: share of the dev examples that were scored; below 1 only before the last rung (``eval.early_share``,
            and runs over folds: the share of the folds whose models are trained to the end).
    """

    rung: int
    examples: int
    step: int
    overall: float
    scores: dict[str, float]
    metrics: dict[str, dict[str, float]]
    train_loss: dict[str, float]
    seconds: float
    examples_per_second: float
    confusion: dict[str, list[list[int]]] = field(default_factory=dict)
    loss_weights: dict[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    dev_share: float = 1.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Build an evaluation from what :func:`dataclasses.asdict` returned."""
        cost = values.get("cost")
        return cls(**{**values, "cost": None if cost is None else Cost(**cost)})

    def to_json(self) -> str:
        """Return the evaluation as one line of JSON; :attr:`dev_share` is left out at 1, as before there was any."""
        values = asdict(self)
        if self.dev_share == 1.0:
            del values["dev_share"]
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str) -> Evaluation:
        """Build an evaluation from what :meth:`to_json` returned."""
        return cls.from_dict(json.loads(line))


def best_evaluation(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """Return the evaluation whose weights a run keeps: that of the highest overall score on all dev examples.

    Ties go to the first. Scores on a part of dev are not compared with these: the best of them is returned only for a
    run that ended before all of dev was scored, and so has kept no weights.
    """
    whole = [one for one in evaluations if one.dev_share == 1.0]
    return max(whole or evaluations, key=lambda one: one.overall, default=None)
