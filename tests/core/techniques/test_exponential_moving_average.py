"""The exponential moving average against its recurrence."""

from __future__ import annotations

import pytest
import torch

from core.run.progress import Progress
from core.techniques.exponential_moving_average import ExponentialMovingAverage
from core.trainer import TrainingRun


def test_the_average_follows_its_recurrence(run: TrainingRun) -> None:
    name = "encoders.all-tasks.encoder.layer.0.attention.self.query.weight"
    parameter = dict(run.model.named_parameters())[name]
    average = ExponentialMovingAverage(0.99)
    average.prepare(run.model)
    expected = parameter.detach().clone()
    for step in range(1, 6):
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter))
        average.after_update(run.model, Progress(step, step, 100, 1))
        beta = (1 + step) / (10 + step)
        expected = beta * expected + (1 - beta) * parameter.detach()
    trained = parameter.detach().clone()
    with pytest.raises(RuntimeError, match="while scoring"), average.evaluation_weights(run.model):
        assert torch.allclose(parameter, expected, atol=1e-6)
        raise RuntimeError("while scoring")
    assert torch.equal(parameter, trained)  # put back although scoring failed
