"""Weight the tasks' losses; one weighting per file, selected by name when a run is built.

May import ``core.run`` and ``core.config``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from core.config import RunConfig
from core.loss_weights.fixed import FixedWeights
from core.loss_weights.uncertainty import UncertaintyWeights
from core.loss_weights.weighting import LossWeighting

__all__ = ["FixedWeights", "LossWeighting", "UncertaintyWeights", "make_loss_weighting"]

_BUILDERS: dict[str, Callable[[RunConfig, torch.device], LossWeighting]] = {
    "fixed": lambda config, _: FixedWeights(config),
    "uncertainty": UncertaintyWeights,
}


def make_loss_weighting(config: RunConfig, device: torch.device) -> LossWeighting:
    """Build the configured weighting for losses on the device."""
    return _BUILDERS[config.loss.weighting](config, device)
