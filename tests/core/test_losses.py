"""Task losses against float64 formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.config import HeadConfig
from core.losses import BinaryCrossEntropy, CrossEntropy, ScaledMeanSquaredError, make_loss
from data.task_files import builtin_tasks


def test_cross_entropy() -> None:
    outputs = torch.randn(7, 5, dtype=torch.float64)
    gold = torch.tensor([0, 1, 2, 3, 4, 0, 1])
    z = outputs.numpy()
    expected = np.mean([np.log(np.exp(row).sum()) - row[k] for row, k in zip(z, gold.numpy(), strict=True)])
    loss = CrossEntropy(5)
    assert loss.loss(outputs, gold).item() == pytest.approx(expected, rel=1e-12)
    assert torch.allclose(loss.predict(outputs).sum(-1), torch.ones(7, dtype=torch.float64))


def test_bce_equals_cross_entropy_on_logits_zero_and_z() -> None:
    z = torch.randn(6, 1, dtype=torch.float64)
    gold = torch.tensor([0, 1, 1, 0, 1, 0])
    two = torch.cat([torch.zeros_like(z), z], dim=-1)
    assert torch.allclose(BinaryCrossEntropy().loss(z, gold), CrossEntropy(2).loss(two, gold), rtol=1e-12)
    assert torch.allclose(BinaryCrossEntropy().predict(z), two.softmax(-1), rtol=1e-12)


def test_bce_stays_finite_for_large_logits() -> None:
    z = torch.tensor([[200.0], [-200.0]])
    assert BinaryCrossEntropy().loss(z, torch.tensor([0, 1])).item() == pytest.approx(200.0)


def test_mse_of_the_scaled_sigmoid() -> None:
    z, gold = torch.randn(9, 1, dtype=torch.float64), torch.rand(9, dtype=torch.float64) * 5
    predicted = 5 / (1 + np.exp(-z.numpy()[:, 0]))
    loss = ScaledMeanSquaredError(0.0, 5.0)
    assert loss.loss(z, gold).item() == pytest.approx(((predicted - gold.numpy()) ** 2).mean(), rel=1e-12)
    assert np.allclose(loss.predict(z).numpy(), predicted)
    shifted = ScaledMeanSquaredError(-1.0, 3.0).predict(torch.tensor([[-50.0], [0.0], [50.0]]))
    assert torch.allclose(shifted, torch.tensor([-1.0, 1.0, 3.0]))


def test_the_kind_of_task_decides_when_the_head_does_not() -> None:
    specs = builtin_tasks()
    assert make_loss(HeadConfig(), specs["sst"]).outputs == 5
    assert isinstance(make_loss(HeadConfig(), specs["sts"]), ScaledMeanSquaredError)
    assert isinstance(make_loss(HeadConfig(), specs["para"]), CrossEntropy)
    assert isinstance(make_loss(HeadConfig(loss="bce"), specs["para"]), BinaryCrossEntropy)
