"""The overall score: what a study maximises."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import TypeVar

import numpy as np

from data.tasks import TaskSpec

__all__ = ["normalised", "overall_score"]

Score = TypeVar("Score", float, np.ndarray)
"""One score, or an array of them."""


def normalised(spec: TaskSpec, score: Score) -> Score:
    """A task's own metric on the common scale from 0 to 1: a correlation r counts as (1 + r) / 2."""
    return (1.0 + score) / 2.0 if spec.metric in ("pearson", "spearman") else score


def overall_score(scores: Mapping[str, Score], specs: Mapping[str, TaskSpec], weights: Mapping[str, float]) -> Score:
    """Weighted mean of the normalised scores, 0 to 1. With sst, para, sts: (acc + acc + (1 + r) / 2) / 3.

    With arrays of scores, of equal shapes, an array of that shape.
    """
    total = sum(weights[name] for name in scores)
    return reduce(add, [weights[name] * normalised(specs[name], score) for name, score in scores.items()]) / total
