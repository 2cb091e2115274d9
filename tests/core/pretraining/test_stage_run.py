"""The update: its rate, its decay, its clipping; and what becomes of a loss that is no number."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from core.config.pretraining import StageConfig
from core.pretraining.stage import Stage
from core.pretraining.stage_optimiser import StageOptimiser
from core.pretraining.stage_run import StageRun
from core.run.errors import DivergedError
from core.run.progress import Progress

MakeRun = Callable[..., tuple[Stage, StageRun]]


def rates(config: StageConfig) -> list[float]:
    """What each of ten steps of ten examples changes a weight by, per unit of Adam's step."""
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


def test_the_planned_examples_are_seen_and_the_curve_has_ten_points(make_run: MakeRun) -> None:
    _, run = make_run("simcse", examples=100, batch_size=8)
    steps = 0
    while not run.finished:
        run.step()
        steps += 1
    assert (steps, run.progress.examples) == (13, 104)
    assert len(run.curve) == 10
    assert list(run.curve)[-1] == "104"


def test_a_loss_that_is_no_number_ends_the_stage(make_run: MakeRun) -> None:
    _, run = make_run("mnrl", batch_size=4)
    with torch.no_grad():
        run.encoder.bert.embeddings.LayerNorm.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="the mnrl loss was nan at step 0"):
        for _ in range(20):
            run.step()
    with pytest.raises(DivergedError):
        run.state_dict()  # nothing is saved of it
    with pytest.raises(DivergedError):
        run.weights()


def test_weights_broken_by_the_last_update_are_no_result(make_run: MakeRun) -> None:
    _, run = make_run("mnrl", batch_size=4)
    run.step()
    with torch.no_grad():
        run.encoder.bert.pooler.dense.bias[0] = float("inf")
    with pytest.raises(DivergedError, match=r"after the mnrl stage 'pooler\.dense\.bias' is not finite"):
        run.weights()


def test_every_step_has_a_random_generator_of_its_own(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches masks that come again with every step, and those that hang on where a run was interrupted."""
    drawn = []
    for _ in range(2):
        _, run = make_run("mlm", batch_size=8)
        loss = run.objective.loss

        def watched(encoder: Any, batch: Any, rng: Any, loss: Any = loss) -> Any:
            drawn.append(float(copy.deepcopy(rng).random()))
            return loss(encoder, batch, rng)

        monkeypatch.setattr(run.objective, "loss", watched)
        for _ in range(4):
            run.step()
    assert len(set(drawn)) == 4
    assert drawn[:4] == drawn[4:]
