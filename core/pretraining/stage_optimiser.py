"""Optimise the encoder and a stage's own layers with AdamW, warm-up, decay and clipping."""

from __future__ import annotations

from torch import nn

from core.config.pretraining import StageConfig
from core.optim.clipping import clip_gradients
from core.optim.scheduled_adamw import ScheduledAdamW, decays
from core.run.progress import Progress

__all__ = ["StageOptimiser"]


class StageOptimiser(ScheduledAdamW):
    """AdamW with one learning rate for all parameters.

    Args:
        config: settings of the stage.
        model: the encoder and the objective's layers.
    """

    def __init__(self, config: StageConfig, model: nn.Module) -> None:
        self._clip_norm = config.clip_norm
        trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        self._parameters = [parameter for _, parameter in trained]
        alike: dict[tuple[float, float], list[nn.Parameter]] = {}  # (rate, weight decay) -> parameters
        for name, parameter in trained:
            decay = config.weight_decay if decays(name, parameter) else 0.0
            alike.setdefault((config.learning_rate, decay), []).append(parameter)
        super().__init__(alike, config.schedule, config.warmup)

    def step(self, progress: Progress, examples: int) -> None:
        """Clip the gradient, then update."""
        if self._clip_norm is not None:
            clip_gradients(self._parameters, self._clip_norm)
        super().step(progress, examples)
