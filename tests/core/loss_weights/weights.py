"""Measure the weight that a weighting gives a loss."""

from __future__ import annotations

from typing import Any

import torch

from core.loss_weights import LossWeighting
from core.run.progress import Progress

LEARNED: dict[str, Any] = {"weighting": "uncertainty"}
START = Progress(0, 0, planned=100, epochs=10)


def weight(weighting: LossWeighting, task: str, progress: Progress = START) -> float:
    """Return the factor of the task's loss."""
    losses = [weighting.weigh(task, torch.tensor(value), progress).item() for value in (0.0, 1.0)]
    return losses[1] - losses[0]
