"""AdamW with weight decay where it belongs and a rate that follows the run's progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from core.config import OptimConfig, RunConfig
from core.multitask import MultitaskBert
from core.progress import Progress
from core.schedules import rate_factor

__all__ = ["Optimiser", "decays"]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter gets weight decay: not biases, not LayerNorm."""
    return parameter.ndim > 1 and "LayerNorm" not in name


class Optimiser:
    """Fused AdamW (with bias correction) under warm-up and decay, layer by layer slower towards the input.

    Peak rates, with L layers, layer decay xi and the base rate eta: xi^(L-l) eta for layer l = 1, ..., L, so that the
    top layer has eta; xi^L eta for the embeddings; eta for the pooler; and for the heads eta or a rate of their own.
    LoRA's parameters have the rate of the layer that they are in. Warm-up and decay multiply all rates alike.

    Args:
        run: rates and moments.
        model: whose trainable parameters are updated.
        learned: loss weights that are learned along with the model; they have a rate of their own and no decay.
    """

    def __init__(self, run: RunConfig, model: MultitaskBert, learned: Sequence[nn.Parameter]) -> None:
        config = self._config = run.optim
        alike: dict[tuple[float, float], list[nn.Parameter]] = {}  # (peak rate, weight decay) -> parameters
        for part, rate in _rates(config, model):
            for name, parameter in part.named_parameters():
                if parameter.requires_grad:
                    decay = config.weight_decay if decays(name, parameter) else 0.0
                    alike.setdefault((rate, decay), []).append(parameter)
        if learned:
            alike.setdefault((run.loss.uncertainty_rate, 0.0), []).extend(learned)
        self._peaks = [rate for rate, _ in alike]
        self._adamw = torch.optim.AdamW(
            [{"params": p, "lr": rate, "weight_decay": decay} for (rate, decay), p in alike.items()],
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            fused=True,
        )

    def step(self, progress: Progress, examples: int) -> None:
        """One update by the gradients in place, which are then dropped.

        The rate is that of the step's middle, so that neither the first nor the last step has a rate of zero.
        """
        fraction = (progress.examples + examples / 2) / progress.planned
        factor = rate_factor(self._config.schedule, self._config.warmup, fraction)
        for group, peak in zip(self._adamw.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Moments and step counts."""
        return self._adamw.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        self._adamw.load_state_dict(state)


def _rates(config: OptimConfig, model: MultitaskBert) -> Iterator[tuple[nn.Module, float]]:
    """The model's parts with their peak rates, from the input up."""
    base = config.learning_rate
    depth = len(model.bert.layers)
    for level, part in enumerate((model.bert.embeddings, *model.bert.layers)):
        yield part, base * config.layer_decay ** (depth - level)
    yield model.bert.pooler, base
    yield model.heads, base if config.head_learning_rate is None else config.head_learning_rate
