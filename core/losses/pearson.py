"""Pearson loss: the negative correlation over a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from core.losses.score_reading import ScoreReading

__all__ = ["negative_correlation"]

# Values whose spread is within this many rounding units count as equal: otherwise their correlation would be that of
# rounding errors, with a gradient that is the larger the smaller these are.
_ROUNDINGS = 8


def negative_correlation(reading: ScoreReading, outputs: Tensor, gold: Tensor) -> Tensor:
    """-r between predicted and gold scores of the batch, from -1 to 1: outputs (B, 1), scores (B,) -> ().

    Where either side is constant (so also in a batch of one) r counts as 0, with a zero gradient. In a batch of two
    r is 1 or -1 with a zero gradient, whatever the model says.
    """
    scores = reading.scores(outputs)
    constant = _is_constant(scores) | _is_constant(gold)
    r = (_direction(scores, constant) * _direction(gold, constant)).sum()
    return torch.where(constant, 0.0, -r)


def _is_constant(values: Tensor) -> Tensor:
    """() bool; False where a value is NaN or infinite, which the loss must show."""
    spread = values.amax() - values.amin()
    tolerance = _ROUNDINGS * torch.finfo(values.dtype).eps * values.abs().amax()
    return (spread <= tolerance) & spread.isfinite()


def _direction(values: Tensor, constant: Tensor) -> Tensor:
    """Deviations from the mean as a vector of length 1, (B,); where ``constant``, of any finite length.

    The guard is inside the root: around it, the root's infinite slope at 0 would make the gradient NaN.
    """
    deviations = values - values.mean()
    return deviations / torch.where(constant, 1.0, deviations.square().sum()).sqrt()
