"""Learn loss weights as the tasks' uncertainties (Kendall et al. 2018, arXiv:1705.07115)."""

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
    """Weighted losses c_i exp(-s_i) L_i + s_i / 2 with a learned s_i = log sigma_i^2 for every task (section 3.2).

    c is 1/2 for a squared error, the Gaussian likelihood of equation 7, and 1 for a classification loss (equation 10).
    In both cases the optimal weight c exp(-s) is 1 / (2 L): the larger a task's remaining loss, the smaller its weight.
    L must not be negative. Initially every weight is the given one, of mean 1 over the tasks.

    Args:
        config: the run, with initial weights above 0 and the loss of every task.
        device: device of the losses and parameters.
    """

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        self._factors: dict[str, float] = {}
        self._log_variances: dict[str, nn.Parameter] = {}
        for name, task in config.tasks.items():
            factor = 0.5 if config.heads[name].loss_name(task.spec) == "mse" else 1.0
            start = math.log(factor / config.loss_weight(name))
            self._factors[name] = factor
            # One parameter per task: in an update without a batch of the task, the optimiser skips it.
            self._log_variances[name] = nn.Parameter(torch.tensor(start, device=device))

    @property
    def parameters(self) -> Sequence[nn.Parameter]:
        """Return s_i, () each, in the order of the tasks."""
        return tuple(self._log_variances.values())

    def weigh(self, task: str, loss: Tensor, progress: Progress) -> Tensor:  # noqa: ARG002
        """Return the weighted loss () plus the cost of its uncertainty, s / 2, which may be negative."""
        s = self._log_variances[task]
        return self._factors[task] * torch.exp(-s) * loss + s / 2

    def current(self, progress: Progress) -> dict[str, float]:  # noqa: ARG002
        """Return c_i exp(-s_i) by task; this synchronises the device."""
        return {task: self._factors[task] * math.exp(-s.item()) for task, s in self._log_variances.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return s_i by task."""
        return {task: s.detach().clone() for task, s in self._log_variances.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore s_i into the same parameters, which the optimiser refers to."""
        with torch.no_grad():
            for task, s in self._log_variances.items():
                s.copy_(state[task])
