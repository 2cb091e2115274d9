"""Estimate how long a run will take from its measured speed."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig

__all__ = ["Speed"]


@dataclass(frozen=True)
class Speed:
    """Measured speed of a configuration on this machine.

    Attributes:
        train_examples_per_second: training speed.
        eval_examples_per_second: scoring speed.
        scored_examples: examples scored at the last rung, on dev and for the gap between train and dev.
        pretraining_seconds: estimated duration of those stages of further pretraining that have not been trained yet;
            runs with the same stages share them.
    """

    train_examples_per_second: float
    eval_examples_per_second: float
    scored_examples: int
    pretraining_seconds: float = 0.0

    def seconds(self, config: RunConfig) -> float:
        """Estimate the duration of a full run, of all its models, excluding loading and stages."""
        if config.models > 1:
            return config.models * self.seconds(config.single)
        scored = self.scored_examples * sum(map(config.dev_share, config.rungs))
        return config.budget.examples / self.train_examples_per_second + scored / self.eval_examples_per_second
