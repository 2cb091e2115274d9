"""A second criterion that is added to the first."""

from __future__ import annotations

import torch

from core.losses import ScoreLoss
from core.losses.auxiliary import WithAuxiliary
from core.losses.cosent import CoSent
from core.losses.pearson import negative_correlation
from core.losses.score_reading import read_as


def test_an_auxiliary_loss_is_added() -> None:
    torch.manual_seed(0)
    reading = read_as("cos", 0.0, 5.0)
    outputs, gold = torch.randn(9, 1, dtype=torch.float64).tanh(), torch.rand(9, dtype=torch.float64) * 5
    cosent = CoSent(20.0)
    both = ScoreLoss(reading, WithAuxiliary(negative_correlation, cosent, 0.3)).loss(outputs, gold)
    expected = negative_correlation(reading, outputs, gold) + 0.3 * cosent(reading, outputs, gold)
    assert torch.equal(both, expected)
