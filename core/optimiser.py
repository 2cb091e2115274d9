"""AdamW with weight decay where it belongs and a rate that follows the run's progress."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core.config import OptimConfig
from core.progress import Progress
from core.schedules import rate_factor

__all__ = ["Optimiser", "decays"]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter gets weight decay: not biases, not LayerNorm."""
    return parameter.ndim > 1 and "LayerNorm" not in name


class Optimiser:
    """Fused AdamW (with bias correction) under warm-up and decay.

    Args:
        config: rates and moments.
        model: whose trainable parameters are updated.
    """

    def __init__(self, config: OptimConfig, model: nn.Module) -> None:
        self._config = config
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        groups = [
            {"params": [p for name, p in named if decays(name, p)], "weight_decay": config.weight_decay},
            {"params": [p for name, p in named if not decays(name, p)], "weight_decay": 0.0},
        ]
        self.parameters = [p for _, p in named]
        self._adamw = torch.optim.AdamW(
            groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True
        )

    def step(self, progress: Progress, examples: int) -> None:
        """One update by the gradients in place, which are then dropped.

        The rate is that of the step's middle, so that neither the first nor the last step has a rate of zero.
        """
        fraction = (progress.examples + examples / 2) / progress.planned
        factor = rate_factor(self._config.schedule, self._config.warmup, fraction)
        for group in self._adamw.param_groups:
            group["lr"] = self._config.learning_rate * factor
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Moments and step counts."""
        return self._adamw.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        self._adamw.load_state_dict(state)
