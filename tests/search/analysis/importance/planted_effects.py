"""Scores with planted effects, and their noise."""

from __future__ import annotations

import numpy as np

from core.config import RunConfig
from tests.search.planted import of, position

RATE, RANK, ALPHA, WEIGHTS = "optim.learning_rate", "lora.rank", "lora.alpha", "loss.weights"


def planted(configs: tuple[RunConfig, ...]) -> np.ndarray:
    """Return scores with a hill over the learning rate, and 0.05 from one end of alpha's range to the other."""
    hill = 0.1 * np.sin(np.pi * position(configs, RATE))
    return hill + np.where(of(configs, RANK) > 0, 0.05 * position(configs, ALPHA), 0.0)


def noise(count: int, sd: float = 0.01, seed: int = 0) -> np.ndarray:
    return sd * np.random.default_rng(seed).normal(size=count)
