"""Keep outputs close to those of averaged weights (SMART, Jiang et al. 2020, arXiv:1911.03437, section 3.2)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from core.config import ProximalConfig, RunConfig
from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert
from core.run.progress import Progress
from core.techniques.averaged_weights import AveragedWeights
from core.techniques.technique import Technique

__all__ = ["ProximalPoint"]

# Share of the run after which beta changes, section 4.1 of the paper.
_EARLY = 0.1


class ProximalPoint(Technique):
    """Bregman proximal point penalty mu_task * mean over the batch of l_s(f(x, theta), f(x, theta~)).

    It keeps outputs close to those of the averaged weights theta~ <- beta theta~ + (1 - beta) theta, updated after
    every step (the paper's momentum variant, called a mean teacher by Tarvainen and Valpola 2017). l_s is the task
    loss's ``divergence``. Both passes share their dropout masks, and no gradient flows into theta~. Only trainable
    weights are averaged; frozen ones are the model's own.

    Args:
        config: mu of every task, and beta in the first tenth of the run and in the rest.
    """

    reads_weights: ClassVar[bool] = True

    def __init__(self, config: ProximalConfig) -> None:
        self._config = config

    @classmethod
    def from_config(cls, config: RunConfig) -> ProximalPoint | None:
        """Build the technique, or return None if no task has a mu above 0."""
        return cls(config.proximal) if any(config.proximal.weight.values()) else None

    def prepare(self, model: MultitaskBert) -> None:
        """Start from the initial weights."""
        self._average = AveragedWeights(model)

    def penalty(self, forward: ForwardPass) -> Tensor | None:
        """Return mu * mean divergence, (), at the cost of one forward pass; None, without a pass, if mu is 0."""
        weight = self._config.weight.get(forward.batch.task, 0.0)
        if not weight:
            return None
        with torch.no_grad():
            anchor = forward.repeat(parameters=self._average.tensors)
        divergence = forward.model.losses[forward.batch.task].divergence
        return weight * divergence(forward.outputs, anchor)

    def after_update(self, model: MultitaskBert, progress: Progress) -> None:
        """Move the average towards the new weights."""
        beta = self._config.decay if progress.fraction <= _EARLY else self._config.late_decay
        self._average.move(model, 1.0 - beta)

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights."""
        return dict(self._average.tensors)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._average.load(state)
