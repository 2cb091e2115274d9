"""The overall score: what a study maximises."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from data.metrics.metric import Value
from data.tasks import TaskSpec

__all__ = ["normalised_score", "overall_score"]


def normalised_score(spec: TaskSpec, score: Value) -> Value:
    """Map a task's own metric to the common scale from 0 to 1: a correlation r counts as (1 + r) / 2."""
    return spec.metric.normalise(spec, score)


def overall_score(scores: Mapping[str, Value], specs: Mapping[str, TaskSpec], weights: Mapping[str, float]) -> Value:
    """Compute the weighted mean of the normalised scores, 0 to 1.

    With sst, para, sts: (acc + acc + (1 + r) / 2) / 3. With arrays of scores, of equal shapes, an array of that shape.
    """
    total = sum(weights[name] for name in scores)
    return reduce(add, [weights[name] * normalised_score(specs[name], score) for name, score in scores.items()]) / total
