"""The techniques that a run uses."""

from __future__ import annotations

from collections.abc import Callable

from core.config import RunConfig
from core.techniques.exponential_moving_average import ExponentialMovingAverage
from core.techniques.gradient_clipping import GradientClipping

MakeConfig = Callable[..., RunConfig]


def test_a_run_without_the_fields_has_no_such_technique(small_config: MakeConfig) -> None:
    config = small_config(optim={"clip_norm": None})
    assert GradientClipping.from_config(config) is None
    assert ExponentialMovingAverage.from_config(config) is None
    assert ExponentialMovingAverage.from_config(small_config(optim={"ema": 0.9})) is not None
