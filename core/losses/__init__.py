"""Losses of tasks, one file each, chosen by name when a run is built.

A task loss defines what a head's outputs mean: what is minimised, what is predicted, and how far apart two outputs are.
The loss of a score task combines a way to read outputs as scores (:mod:`core.losses.score_reading`) with one or two
criteria on them. Imports only ``core.config`` and ``data``.
"""

from __future__ import annotations

from collections.abc import Callable

from core.config import HeadConfig
from core.losses.auxiliary import WithAuxiliary
from core.losses.bce import BinaryCrossEntropy, soft_cross_entropy
from core.losses.class_weights import ClassWeighting, balanced, given
from core.losses.cosent import CoSent
from core.losses.cosine_embedding import CosineEmbedding
from core.losses.cross_entropy import CrossEntropy
from core.losses.mse import mean_squared_error
from core.losses.pearson import negative_correlation
from core.losses.score_classes import ScoreClasses
from core.losses.score_loss import ScoreCriterion, ScoreLoss
from core.losses.score_reading import read_as
from core.losses.task_loss import TaskLoss
from data.tasks import TaskSpec

__all__ = [
    "BinaryCrossEntropy",
    "CosineEmbedding",
    "CrossEntropy",
    "ScoreClasses",
    "ScoreLoss",
    "TaskLoss",
    "make_loss",
]


def make_loss(head: HeadConfig, spec: TaskSpec) -> TaskLoss:
    """Build the loss that the head names, or the default of the task's kind; ``check_head`` has checked it."""
    if spec.score_range is None:
        return _CLASS_LOSSES[head.loss_name(spec)](head, spec)
    if head.score_output == "classes":
        squared = head.divergence == "squared-error"
        return ScoreClasses(*spec.score_range, head.score_from, _cross_entropy(head, spec), squared)
    criterion = _CRITERIA[head.loss_name(spec)](head)
    if head.auxiliary_loss is not None:
        criterion = WithAuxiliary(criterion, _CRITERIA[head.auxiliary_loss](head), head.auxiliary_weight)
    return ScoreLoss(read_as(head.score_output, *spec.score_range), criterion)


def _cross_entropy(head: HeadConfig, spec: TaskSpec) -> CrossEntropy:
    return CrossEntropy(head.class_count(spec), head.label_smoothing, _class_weighting(head))


def _class_weighting(head: HeadConfig) -> ClassWeighting | None:
    if head.class_weights is not None:
        return given(head.class_weights)
    return balanced(head.class_balance) if head.class_balance else None


_CLASS_LOSSES: dict[str, Callable[[HeadConfig, TaskSpec], TaskLoss]] = {
    "cross-entropy": _cross_entropy,
    "bce": lambda _head, _spec: BinaryCrossEntropy(),
    "cosine-embedding": lambda head, _spec: CosineEmbedding(head.cosine_margin, head.cosine_threshold),
}

_CRITERIA: dict[str, Callable[[HeadConfig], ScoreCriterion]] = {
    "mse": lambda _head: mean_squared_error,
    "bce": lambda _head: soft_cross_entropy,
    "pearson": lambda _head: negative_correlation,
    "cosent": lambda head: CoSent(head.cosent_scale),
}
