"""Both weightings: made by name, and reporting the weights that losses get."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from core.config import RunConfig
from core.loss_weights import FixedWeights, UncertaintyWeights, make_loss_weighting
from core.run.progress import Progress
from tests.core.loss_weights.weights import LEARNED, weight

MakeConfig = Callable[..., RunConfig]
CPU = torch.device("cpu")


def test_weightings_are_made_by_name(small_config: MakeConfig) -> None:
    fixed = make_loss_weighting(small_config(), CPU)
    assert isinstance(fixed, FixedWeights)
    assert list(fixed.parameters) == []
    assert isinstance(make_loss_weighting(small_config(loss=LEARNED), CPU), UncertaintyWeights)


def test_the_current_weights_are_those_that_losses_get(small_config: MakeConfig) -> None:
    tapered = {"weights": {"sst": 0.5}, "taper": {"sst": "inverse", "sts": "log"}}
    for loss in (tapered, LEARNED):
        weighting = make_loss_weighting(small_config(loss=loss), CPU)
        with torch.no_grad():
            for number, s in enumerate(weighting.parameters):
                s.fill_(number - 0.6)
        for examples in (0, 35, 100):
            progress = Progress(examples, examples, planned=100, epochs=10)
            applied = {task: weight(weighting, task, progress) for task in ("sst", "para", "sts")}
            assert weighting.current(progress) == pytest.approx(applied, rel=1e-5)
