"""What one scoring of dev says, as it travels from the run to whoever watches it."""

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
        rung: the nominal position, training examples; what pruners see.
        examples: training examples really seen (whole batches, so up to a batch more than the rung).
        step: optimiser steps taken.
        overall: weighted mean of the normalised task scores, 0 to 1.
        scores: each task's own metric (accuracy and F1 0 to 1, correlations -1 to 1).
        metrics: further numbers per task; see :mod:`core.statistics` and :class:`core.scoring.DevScores`.
        train_loss: each task's mean training loss since the previous rung; a task without a batch is missing.
        seconds: training and evaluation so far, those before an interruption included.
        examples_per_second: training speed since the previous rung, evaluation not counted.
        confusion: for each classification task, how many dev examples of each gold class (rows) were taken for each
            class (columns).
        loss_weights: what each task's loss is multiplied by at this point, where a batch's share is not counted; empty
            in files written before weights were recorded.
        cost: so far; None in files written before costs were recorded.
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
        """The inverse of :func:`dataclasses.asdict`."""
        cost = values.get("cost")
        return cls(**{**values, "cost": None if cost is None else Cost(**cost)})

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Evaluation:
        """The inverse of :meth:`to_json`."""
        return cls.from_dict(json.loads(line))
