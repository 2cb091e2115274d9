"""Record one evaluation on dev, as it is passed from the run to its observer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.run.cost import Cost

__all__ = ["Evaluation"]


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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Build an evaluation from what :func:`dataclasses.asdict` returned."""
        cost = values.get("cost")
        return cls(**{**values, "cost": None if cost is None else Cost(**cost)})

    def to_json(self) -> str:
        """Return the evaluation as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Evaluation:
        """Build an evaluation from what :meth:`to_json` returned."""
        return cls.from_dict(json.loads(line))
