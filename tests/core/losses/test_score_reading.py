"""Readings of outputs as scores and as similarities."""

from __future__ import annotations

import pytest
import torch

from core.losses import ScoreLoss
from core.losses.mse import mean_squared_error
from core.losses.score_reading import read_as


@pytest.mark.parametrize(
    ("output", "numbers", "scores", "similarities"),
    [
        ("sigmoid", [-50.0, 0.0, 50.0], [-1.0, 1.0, 3.0], [0.0, 0.5, 1.0]),
        ("cos", [-1.0, 0.0, 0.5, 1.0], [-1.0, 1.0, 2.0, 3.0], [-1.0, 0.0, 0.5, 1.0]),
        ("relu-cos", [-1.0, 0.0, 0.5, 1.0], [-1.0, -1.0, 1.0, 3.0], [-1.0, 0.0, 0.5, 1.0]),
    ],
)
def test_readings(output: str, numbers: list[float], scores: list[float], similarities: list[float]) -> None:
    reading = read_as(output, -1.0, 3.0)
    outputs = torch.tensor(numbers).unsqueeze(-1)
    assert reading.scores(outputs).tolist() == pytest.approx(scores)
    assert reading.similarities(outputs).tolist() == pytest.approx(similarities)
    assert ScoreLoss(reading, mean_squared_error).predict(outputs).tolist() == pytest.approx(scores)
