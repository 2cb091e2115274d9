"""Weights that are learned as the tasks' uncertainties (Kendall et al. 2018, arXiv:1705.07115)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.config import RunConfig
from core.run.progress import Progress

__all__ = ["UncertaintyWeights"]


class UncertaintyWeights:
    """c_i exp(-s_i) L_i + s_i / 2 with a learned s_i = log sigma_i^2 for every task (section 3.2).

    c is 1/2 for a squared error, the Gaussian likelihood of equation 7, and 1 for a classification loss (equation 10).
    Either way the weight c exp(-s) is best at 1 / (2 L): a task counts the less, the larger its loss remains. L must
    not be negative. The start is where every weight is the given one, of mean 1 over the tasks.

    Args:
        config: weights to begin with, above 0, and losses of every task.
        device: of the losses, where the parameters live.
    """

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        self._factors: dict[str, float] = {}
        self._log_variances: dict[str, nn.Parameter] = {}
        for name, task in config.tasks.items():
            factor = 0.5 if config.heads[name].loss_name(task.spec) == "mse" else 1.0
            start = math.log(factor / config.loss_weight(name))
            self._factors[name] = factor
            # One parameter a task: in an update without a batch of it, the optimiser leaves it alone.
            self._log_variances[name] = nn.Parameter(torch.tensor(start, device=device))

    @property
    def parameters(self) -> Sequence[nn.Parameter]:
        """s_i, () each, in the order of the tasks."""
        return tuple(self._log_variances.values())

    def weigh(self, task: str, loss: Tensor, progress: Progress) -> Tensor:  # noqa: ARG002
        """The weighted loss () and the cost of its uncertainty, s / 2, which may be negative."""
        s = self._log_variances[task]
        return self._factors[task] * torch.exp(-s) * loss + s / 2

    def current(self, progress: Progress) -> dict[str, float]:  # noqa: ARG002
        """c_i exp(-s_i) by task; waits for the device."""
        return {task: self._factors[task] * math.exp(-s.item()) for task, s in self._log_variances.items()}

    def state_dict(self) -> dict[str, Any]:
        """s_i by task."""
        return {task: s.detach().clone() for task, s in self._log_variances.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Into the same parameters, which the optimiser holds on to."""
        with torch.no_grad():
            for task, s in self._log_variances.items():
                s.copy_(state[task])
