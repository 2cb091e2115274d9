"""Gradient clipping by the norm of all parameters together."""

from __future__ import annotations

import pytest
import torch

from core.techniques.gradient_clipping import GradientClipping
from core.trainer import TrainingRun


def test_clipping_scales_the_whole_gradient(run: TrainingRun) -> None:
    for p in run.model.parameters():
        p.grad = torch.randn_like(p)
    before = torch.cat([p.grad.flatten() for p in run.model.parameters() if p.grad is not None])
    GradientClipping(0.5).before_update(run.model)
    after = torch.cat([p.grad.flatten() for p in run.model.parameters() if p.grad is not None])
    assert after.norm().item() == pytest.approx(0.5, rel=1e-4)
    assert torch.allclose(after, before * 0.5 / before.norm(), atol=1e-6)
    GradientClipping(10.0).before_update(run.model)  # below the bound nothing changes
    assert after.norm().item() == pytest.approx(0.5, rel=1e-4)
