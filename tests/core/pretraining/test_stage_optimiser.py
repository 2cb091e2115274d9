"""A stage's optimiser: warm-up, decay, weight decay and clipping."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from core.config.pretraining import StageConfig
from core.pretraining.stage import Stage
from core.pretraining.stage_optimiser import StageOptimiser
from core.pretraining.stage_run import StageRun
from core.run.progress import Progress

MakeRun = Callable[..., tuple[Stage, StageRun]]


def rates(config: StageConfig) -> list[float]:
    """Return by how much each of ten steps of ten examples changes a weight, per unit of Adam's step."""
    model = nn.Linear(1, 1, bias=False)
    optimiser, found, progress = StageOptimiser(config, model), [], Progress(0, 0, 100, 1)
    for _ in range(10):
        before = model.weight.item()
        model.weight.grad = torch.ones(1, 1)
        optimiser.step(progress, 10)
        found.append(before - model.weight.item())
        progress = progress.after(10)
    return found


def test_the_rate_warms_up_and_decays() -> None:
    """With a constant gradient Adam's step is the rate itself; each is that of the step's middle."""
    config = StageConfig(learning_rate=0.1, warmup=0.2, weight_decay=0.0)
    middles = [0.05 + 0.1 * step for step in range(10)]
    expected = [0.1 * (m / 0.2 if m < 0.2 else 1 - (m - 0.2) / 0.8) for m in middles]
    assert rates(config) == pytest.approx(expected, rel=1e-4)


def test_biases_and_layer_norms_do_not_decay(make_run: MakeRun) -> None:
    """Without a gradient Adam changes nothing, so what moves has decayed."""
    _, run = make_run("mlm")
    model = nn.ModuleDict({"bert": run.encoder.bert, "objective": run.objective})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
            parameter.grad = torch.zeros_like(parameter)
    StageOptimiser(StageConfig(learning_rate=0.1, weight_decay=0.5), model).step(Progress(0, 0, 10, 1), 2)
    for name, parameter in model.named_parameters():
        decayed = bool((parameter < 0.99).all())
        assert decayed != ("LayerNorm" in name or name.endswith("bias")), name


def test_the_gradient_is_clipped() -> None:
    for norm, expected in ((1e-3, 1e-3), (None, 5.0)):
        model = nn.Linear(2, 1, bias=False)
        optimiser = StageOptimiser(StageConfig(clip_norm=norm), model)
        model.weight.grad = gradient = torch.tensor([[3.0, 4.0]])
        optimiser.step(Progress(0, 0, 10, 1), 1)
        assert gradient.norm().item() == pytest.approx(expected, rel=1e-3)
        assert model.weight.grad is None
