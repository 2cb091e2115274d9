"""How fast a run is, and so how long it will take."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig

__all__ = ["Speed"]


@dataclass(frozen=True)
class Speed:
    """Measured speed of a configuration on this machine.

    Attributes:
        train_examples_per_second: training.
        eval_examples_per_second: scoring.
        scored_examples: scored at every rung, on dev and for the gap between train and dev.
        pretraining_seconds: estimated, of its stages of further pretraining that nobody has trained yet; runs with the
            same stages share them.
    """

    train_examples_per_second: float
    eval_examples_per_second: float
    scored_examples: int
    pretraining_seconds: float = 0.0

    def seconds(self, config: RunConfig) -> float:
        """Estimated length of a full run, loading and stages not counted."""
        scored = self.scored_examples * len(config.rungs)
        return config.budget.examples / self.train_examples_per_second + scored / self.eval_examples_per_second
