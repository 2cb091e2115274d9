"""Readings of a score and what is minimised about them: squared error, both together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.losses import ScoreLoss
from core.losses.auxiliary import WithAuxiliary
from core.losses.cosent import CoSent
from core.losses.mse import mean_squared_error
from core.losses.pearson import negative_correlation
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


def test_mse_of_the_scaled_sigmoid() -> None:
    torch.manual_seed(0)
    z, gold = torch.randn(9, 1, dtype=torch.float64), torch.rand(9, dtype=torch.float64) * 5
    predicted = 5 / (1 + np.exp(-z.numpy()[:, 0]))
    loss = ScoreLoss(read_as("sigmoid", 0.0, 5.0), mean_squared_error)
    assert loss.loss(z, gold).item() == pytest.approx(((predicted - gold.numpy()) ** 2).mean(), rel=1e-12)
    assert np.allclose(loss.predict(z).numpy(), predicted)
    others = torch.randn(9, 1, dtype=torch.float64)
    apart = ((predicted - 5 / (1 + np.exp(-others.numpy()[:, 0]))) ** 2).mean()
    assert loss.divergence(z, others).item() == pytest.approx(apart, rel=1e-12)


@pytest.mark.parametrize(("output", "place"), [("cos", lambda c: (1 + c) / 2), ("relu-cos", lambda c: max(c, 0.0))])
def test_mse_of_a_cosine(output: str, place: object) -> None:
    assert callable(place)
    cosines, gold = [0.9, -0.4, 0.1], [4.5, 0.2, 3.0]
    loss = ScoreLoss(read_as(output, 0.0, 5.0), mean_squared_error)
    expected = np.mean([(5 * place(c) - y) ** 2 for c, y in zip(cosines, gold, strict=True)])
    got = loss.loss(torch.tensor(cosines, dtype=torch.float64).unsqueeze(-1), torch.tensor(gold, dtype=torch.float64))
    assert got.item() == pytest.approx(expected, rel=1e-12)


def test_predictions_stay_in_the_range_where_a_cosine_is_rounded_out_of_it() -> None:
    loss = ScoreLoss(read_as("cos", 0.0, 5.0), mean_squared_error)
    assert loss.predict(torch.tensor([[1.0000002], [-1.0000002]])).tolist() == [5.0, 0.0]


def test_half_precision_outputs_are_compared_in_float32() -> None:
    torch.manual_seed(0)
    outputs, gold = torch.randn(9, 1).to(torch.bfloat16), torch.rand(9) * 5
    for criterion in (mean_squared_error, negative_correlation, CoSent(20.0)):
        loss = ScoreLoss(read_as("sigmoid", 0.0, 5.0), criterion)
        assert torch.equal(loss.loss(outputs, gold), loss.loss(outputs.float(), gold))


def test_an_auxiliary_loss_is_added() -> None:
    torch.manual_seed(0)
    reading = read_as("cos", 0.0, 5.0)
    outputs, gold = torch.randn(9, 1, dtype=torch.float64).tanh(), torch.rand(9, dtype=torch.float64) * 5
    cosent = CoSent(20.0)
    both = ScoreLoss(reading, WithAuxiliary(negative_correlation, cosent, 0.3)).loss(outputs, gold)
    expected = negative_correlation(reading, outputs, gold) + 0.3 * cosent(reading, outputs, gold)
    assert torch.equal(both, expected)
