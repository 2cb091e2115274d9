"""AdamW for the encoder and a stage's own layers, under warm-up, decay and clipping."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from core.config.pretraining import StageConfig
from core.optimiser import decays
from core.progress import Progress
from core.schedules import rate_factor

__all__ = ["StageOptimiser"]


class StageOptimiser:
    """Fused AdamW with one rate for all.

    Args:
        config: of the stage.
        model: the encoder and the objective's layers.
    """

    def __init__(self, config: StageConfig, model: nn.Module) -> None:
        self._config = config
        self._parameters = list(model.parameters())
        named = list(model.named_parameters())
        self._adamw = torch.optim.AdamW(
            [
                {"params": [p for name, p in named if decays(name, p)], "weight_decay": config.weight_decay},
                {"params": [p for name, p in named if not decays(name, p)], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
            fused=True,
        )

    def step(self, progress: Progress, examples: int) -> None:
        """One update by the gradients in place, which are then dropped, at the rate of the step's middle."""
        if self._config.clip_norm is not None:
            clip_grad_norm_(self._parameters, self._config.clip_norm)
        fraction = (progress.examples + examples / 2) / progress.planned
        for group in self._adamw.param_groups:
            group["lr"] = self._config.learning_rate * rate_factor(self._config.schedule, self._config.warmup, fraction)
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Moments and step counts."""
        return self._adamw.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        self._adamw.load_state_dict(state)
