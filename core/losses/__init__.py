"""Task losses, one a file, chosen by name when a run is built."""

from __future__ import annotations

from core.config import HeadConfig
from core.losses.bce import BinaryCrossEntropy
from core.losses.cross_entropy import CrossEntropy
from core.losses.mse import ScaledMeanSquaredError
from core.losses.task_loss import TaskLoss
from data.tasks import TaskSpec

__all__ = ["BinaryCrossEntropy", "CrossEntropy", "ScaledMeanSquaredError", "TaskLoss", "make_loss"]


def make_loss(head: HeadConfig, spec: TaskSpec) -> TaskLoss:
    """The loss that the head asks for, or the task kind's usual one."""
    name = head.loss or ("mse" if spec.kind.is_score else "cross-entropy")
    if name == "mse":
        assert spec.score_range is not None, "RunConfig allows mse for score tasks only"
        return ScaledMeanSquaredError(*spec.score_range)
    return BinaryCrossEntropy() if name == "bce" else CrossEntropy(len(spec.classes))
