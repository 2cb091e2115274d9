"""Score losses: predictions in the range, and outputs in half precision."""

from __future__ import annotations

import torch

from core.losses import ScoreLoss
from core.losses.cosent import CoSent
from core.losses.mse import mean_squared_error
from core.losses.pearson import negative_correlation
from core.losses.score_reading import read_as


def test_predictions_stay_in_the_range_where_a_cosine_is_rounded_out_of_it() -> None:
    loss = ScoreLoss(read_as("cos", 0.0, 5.0), mean_squared_error)
    assert loss.predict(torch.tensor([[1.0000002], [-1.0000002]])).tolist() == [5.0, 0.0]


def test_half_precision_outputs_are_compared_in_float32() -> None:
    torch.manual_seed(0)
    outputs, gold = torch.randn(9, 1).to(torch.bfloat16), torch.rand(9) * 5
    for criterion in (mean_squared_error, negative_correlation, CoSent(20.0)):
        loss = ScoreLoss(read_as("sigmoid", 0.0, 5.0), criterion)
        assert torch.equal(loss.loss(outputs, gold), loss.loss(outputs.float(), gold))
