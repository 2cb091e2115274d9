"""Run AdamW with learning rates that follow a run's progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from core.optim.schedules import rate_factor
from core.run.progress import Progress

__all__ = ["ScheduledAdamW", "decays"]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Return whether a parameter gets weight decay: all but biases and LayerNorm do."""
    return parameter.ndim > 1 and "LayerNorm" not in name


class ScheduledAdamW:
    """Fused AdamW (with bias correction); warm-up and decay multiply the peak rates of all groups alike.

    Args:
        groups: parameters by (peak rate, weight decay).
        schedule: a key of :data:`core.optim.schedules.SCHEDULES`.
        warmup: share of the planned examples.
        betas: of the moments.
        epsilon: added to the root of the second moment.
    """

    def __init__(
        self,
        groups: Mapping[tuple[float, float], Sequence[nn.Parameter]],
        schedule: str,
        warmup: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self._schedule, self._warmup = schedule, warmup
        self._peaks = [rate for rate, _ in groups]
        self._adamw = torch.optim.AdamW(
            [{"params": list(p), "lr": rate, "weight_decay": decay} for (rate, decay), p in groups.items()],
            betas=betas,
            eps=epsilon,
            fused=True,
        )

    def step(self, progress: Progress, examples: int) -> None:
        """Update the parameters by their gradients, then drop the gradients.

        The rate is that of the step's middle, so that neither the first nor the last step has a rate of zero.
        """
        fraction = (progress.examples + examples / 2) / progress.planned
        factor = rate_factor(self._schedule, self._warmup, fraction)
        for group, peak in zip(self._adamw.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Return moments and step counts."""
        return self._adamw.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._adamw.load_state_dict(state)
