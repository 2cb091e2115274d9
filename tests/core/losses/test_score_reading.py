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
        ("linear", [-1.0, 0.0, 2.5, 3.0], [-1.0, 0.0, 2.5, 3.0], [0.0, 0.25, 0.875, 1.0]),
    ],
)
def test_readings(output: str, numbers: list[float], scores: list[float], similarities: list[float]) -> None:
    reading = read_as(output, -1.0, 3.0)
    outputs = torch.tensor(numbers).unsqueeze(-1)
    assert reading.scores(outputs).tolist() == pytest.approx(scores)
    assert reading.similarities(outputs).tolist() == pytest.approx(similarities)
    assert ScoreLoss(reading, mean_squared_error).predict(outputs).tolist() == pytest.approx(scores)


def test_a_linear_prediction_is_cut_off_at_the_range_but_its_loss_is_not() -> None:
    loss = ScoreLoss(read_as("linear", -1.0, 3.0), mean_squared_error)
    outputs = torch.tensor([[-3.0], [7.0]])
    assert loss.predict(outputs).tolist() == [-1.0, 3.0]
    assert loss.loss(outputs, torch.tensor([-1.0, 3.0])).item() == (2.0**2 + 4.0**2) / 2


def test_a_raw_cosine_is_compared_with_the_score_and_predicts_like_the_stretched_one() -> None:
    cosines, gold = torch.tensor([[-0.5], [0.25], [1.0]]), torch.tensor([0.0, 2.0, 5.0])
    raw, stretched = (ScoreLoss(read_as(name, 0.0, 5.0), mean_squared_error) for name in ("raw-cos", "cos"))
    assert raw.loss(cosines, gold).item() == pytest.approx((0.5**2 + 1.75**2 + 4.0**2) / 3)
    assert torch.equal(raw.predict(cosines), stretched.predict(cosines))
