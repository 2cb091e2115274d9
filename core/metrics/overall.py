"""The overall score: what a study maximises."""

from __future__ import annotations

from data.tasks import TaskSpec

__all__ = ["normalised", "overall_score"]


def normalised(spec: TaskSpec, score: float) -> float:
    """A task's own metric on the common scale from 0 to 1: a correlation r counts as (1 + r) / 2."""
    return (1.0 + score) / 2.0 if spec.metric in ("pearson", "spearman") else score


def overall_score(scores: dict[str, float], specs: dict[str, TaskSpec], weights: dict[str, float]) -> float:
    """Weighted mean of the normalised scores, 0 to 1. With sst, para, sts: (acc + acc + (1 + r) / 2) / 3."""
    total = sum(weights[name] for name in scores)
    return sum(weights[name] * normalised(specs[name], score) for name, score in scores.items()) / total
