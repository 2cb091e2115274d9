"""AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) by torch's fused kernel, without torch's optimiser class.

The class would load torch's compiler, which takes 70 MiB and a second of every process that trains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import adamw as functional

__all__ = ["AdamW", "Group"]


@dataclass
class Group:
    """Parameters that are updated alike.

    Attributes:
        parameters: at least one.
        peak: the learning rate that a schedule multiplies.
        weight_decay: lambda of the paper, multiplied by the learning rate.
        learning_rate: of the next update.
    """

    parameters: list[nn.Parameter]
    peak: float
    weight_decay: float
    learning_rate: float


class AdamW:
    """AdamW with bias correction; a parameter without a gradient is left as it is.

    Args:
        groups: parameters by (peak rate, weight decay).
        betas: of the moments.
        epsilon: added to the root of the second moment.
    """

    def __init__(
        self,
        groups: Mapping[tuple[float, float], Sequence[nn.Parameter]],
        betas: tuple[float, float],
        epsilon: float,
    ) -> None:
        self.groups = [Group(list(p), rate, decay, rate) for (rate, decay), p in groups.items()]
        self.betas, self.epsilon = betas, epsilon
        self._moments: dict[nn.Parameter, dict[str, Tensor]] = {}

    def step(self) -> None:
        """Update the parameters by their gradients, then drop the gradients."""
        for group in self.groups:
            given = [parameter for parameter in group.parameters if parameter.grad is not None]
            gradients = [parameter.grad for parameter in given if parameter.grad is not None]
            moments = [self.moments(parameter) for parameter in given]
            self.update(group, given, gradients, moments)
            for parameter in given:
                parameter.grad = None

    def moments(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Return a parameter's state, under torch's names: the number of updates and the two moments."""
        if parameter not in self._moments:
            self._moments[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }
        return self._moments[parameter]

    @torch.no_grad()
    def update(
        self,
        group: Group,
        weights: Sequence[Tensor],
        gradients: Sequence[Tensor],
        moments: Sequence[Mapping[str, Tensor]],
    ) -> None:
        """Update weights and their moments in place, at the rates of a group."""
        if not weights:
            return
        functional.adamw(
            list(weights),
            list(gradients),
            [one["exp_avg"] for one in moments],
            [one["exp_avg_sq"] for one in moments],
            [],
            [one["step"] for one in moments],  # counted up here
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=group.learning_rate,
            weight_decay=group.weight_decay,
            eps=self.epsilon,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return moments, step counts and rates, in the format of torch's optimisers."""
        numbers = self._numbers()
        state = {numbers[parameter]: dict(moments) for parameter, moments in self._moments.items()}
        groups = [
            {
                "params": [numbers[parameter] for parameter in group.parameters],
                "lr": group.learning_rate,
                "weight_decay": group.weight_decay,
                "betas": self.betas,
                "eps": self.epsilon,
            }
            for group in self.groups
        ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the moments and step counts that :meth:`state_dict`, or torch's AdamW, returned."""
        self._moments = {
            parameter: {name: value.to(parameter.device, copy=True) for name, value in state["state"][number].items()}
            for parameter, number in self._numbers().items()
            if number in state["state"]
        }

    def _numbers(self) -> dict[nn.Parameter, int]:
        parameters = [parameter for group in self.groups for parameter in group.parameters]
        return {parameter: number for number, parameter in enumerate(parameters)}
