"""Squared error of scores, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.losses import ScoreLoss
from core.losses.mse import mean_squared_error
from core.losses.score_reading import read_as


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
