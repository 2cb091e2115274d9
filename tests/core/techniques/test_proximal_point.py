"""Bregman proximal point: the averaged weights, and the distance that outputs keep from theirs."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import ProximalConfig, RunConfig
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert, build_model
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.techniques import make_techniques
from core.techniques.proximal_point import ProximalPoint
from core.trainer import TrainingRun
from data.batching import Batch

MakeConfig = Callable[..., RunConfig]
Make = Callable[..., tuple[MultitaskBert, Batch]]

NORM = "encoders.all-tasks.embeddings.LayerNorm.weight"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make(small_config: MakeConfig, resources: Resources) -> Make:
    def build(task: str = "sst", size: int = 8) -> tuple[MultitaskBert, Batch]:
        config = small_config((task,))
        encoder = resources.encoder(config)
        model = build_model(config, encoder.config, encoder.read_weights()).train()
        with torch.no_grad():  # a fresh head is so small that all answers look alike
            model.heads[task].layers[-1].weight *= 20
        return model, resources.task_data(config)[task].next_batch(size)

    return build


def at(examples: int) -> Progress:
    """Return a run of 100 examples, one a step."""
    return Progress(step=examples, examples=examples, planned=100, epochs=10)


def every_task(weight: float) -> dict[str, float]:
    return dict.fromkeys(("sst", "para", "sts"), weight)


def shift(model: MultitaskBert, scale: float) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += scale * torch.randn_like(parameter)


@pytest.mark.parametrize("task", ["sst", "para", "sts"])
def test_at_the_averaged_weights_the_penalty_is_0_with_dropout_on(make: Make, task: str) -> None:
    """Catches a teacher with dropout masks of its own, or without dropout."""
    model, batch = make(task)
    technique = ProximalPoint(ProximalConfig(weight=every_task(1.0)))
    technique.prepare(model)
    forward = ForwardPass(model, batch)
    penalty = technique.penalty(forward)
    assert penalty == 0.0
    assert forward.count == 2
    penalty.backward()
    assert all(p.grad is None or (p.grad == 0).all() for p in model.parameters())


@pytest.mark.parametrize("task", ["sst", "sts"])
def test_the_penalty_is_mu_times_the_mean_divergence_from_the_averaged_model(make: Make, task: str) -> None:
    """Against a copy of the model that has the old weights, in float64; no gradient goes into it."""
    model, batch = make(task)
    model.double()
    old = deepcopy(model)
    technique = ProximalPoint(ProximalConfig(weight=every_task(3.0)))
    technique.prepare(model)
    shift(model, 0.05)
    torch.manual_seed(2)
    teacher = ForwardPass(old, batch).outputs.detach()
    torch.manual_seed(2)
    forward = ForwardPass(model, batch)
    penalty = technique.penalty(forward)
    if task == "sts":
        expected = ((5 * forward.outputs.sigmoid() - 5 * teacher.sigmoid()) ** 2).mean()
    else:
        p, q = forward.outputs.softmax(-1), teacher.softmax(-1)
        expected = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean()
    assert penalty.item() == pytest.approx(3.0 * expected.item(), rel=1e-10)
    assert penalty > 1e-3
    weight = model.encoder("sst").embeddings.LayerNorm.weight
    (gradient,) = torch.autograd.grad(penalty, weight, retain_graph=True)
    (reference,) = torch.autograd.grad(3.0 * expected, weight)
    assert torch.allclose(gradient, reference, rtol=1e-8, atol=1e-12)
    assert gradient.abs().max() > 0


def test_the_average_is_that_of_the_closed_form(make: Make) -> None:
    """theta~_T = sum over t of (1 - b_t) prod_(s > t) b_s theta_t; b changes after a tenth of the run, with t > 0.1 T.

    Catches a warm-up of b, the two b exchanged, and a change one step early or late.
    """
    model, _ = make()
    technique = ProximalPoint(ProximalConfig(weight=every_task(1.0), decay=0.6, late_decay=0.9))
    technique.prepare(model)
    weight = model.get_parameter(NORM)
    history = [weight.detach().double().clone()]
    for step in range(1, 16):
        shift(model, 0.1)
        history.append(weight.detach().double().clone())
        technique.after_update(model, at(step))
    shares = [1.0] + [0.4] * 10 + [0.1] * 5
    expected = torch.zeros_like(history[0])
    for share, weights in zip(shares, history, strict=True):
        expected = (1 - share) * expected + share * weights
    assert torch.allclose(technique.state_dict()[NORM].double(), expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(weight.double(), expected, atol=0.05)


def test_state_survives_a_round_trip_and_does_not_follow_the_model(make: Make) -> None:
    model, batch = make()
    first, second = (ProximalPoint(ProximalConfig(weight=every_task(1.0))) for _ in range(2))
    first.prepare(model)
    shift(model, 0.1)
    first.after_update(model, at(1))
    state = {name: weight.clone() for name, weight in first.state_dict().items()}
    shift(model, 0.1)
    assert all(torch.equal(weight, state[name]) for name, weight in first.state_dict().items())
    second.prepare(model)
    second.load_state_dict(state)
    forward = ForwardPass(model, batch)
    assert second.penalty(forward) == first.penalty(forward) > 0
    second.after_update(model, at(2))
    assert not torch.equal(second.state_dict()[NORM], state[NORM])
    assert all(torch.equal(weight, state[name]) for name, weight in first.state_dict().items())  # a copy was loaded


def test_frozen_weights_are_the_models_own(make: Make) -> None:
    """Only trainable ones are averaged and kept, whatever they are called, as under low-rank updates."""
    model, batch = make()
    model.encoder("sst").requires_grad_(False)
    model.encoder("sst").layers[0].attention.self.query.register_parameter("extra", torch.nn.Parameter(torch.zeros(3)))
    technique = ProximalPoint(ProximalConfig(weight=every_task(1.0)))
    technique.prepare(model)
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert set(technique.state_dict()) == trainable
    assert "encoders.all-tasks.encoder.layer.0.attention.self.query.extra" in trainable
    shift(model, 0.05)
    forward = ForwardPass(model, batch)
    penalty = technique.penalty(forward)
    assert penalty > 0
    penalty.backward()
    assert model.encoder("sst").embeddings.LayerNorm.weight.grad is None
    technique.after_update(model, at(1))


def test_under_autocast_the_teacher_rounds_as_the_model_does(make: Make) -> None:
    model, batch = make()
    technique = ProximalPoint(ProximalConfig(weight=every_task(1.0)))
    technique.prepare(model)
    with torch.autocast("cpu", torch.bfloat16):
        assert technique.penalty(ForwardPass(model, batch)) == 0.0


def test_weight_0_is_not_built(small_config: MakeConfig) -> None:
    assert "proximal_point" not in make_techniques(small_config())
    assert "proximal_point" in make_techniques(small_config(proximal={"weight": {"sst": 1.0}}))


def test_a_task_of_weight_0_costs_no_pass(make: Make) -> None:
    model, batch = make("sst")
    technique = ProximalPoint(ProximalConfig(weight={"para": 1.0}))
    technique.prepare(model)
    forward = ForwardPass(model, batch)
    assert technique.penalty(forward) is None
    assert forward.count == 1


def trained(config: RunConfig, resources: Resources, folder: Path, steps: int) -> TrainingRun:
    run = TrainingRun(config, RunFolder(folder), resources)
    run.resume()
    for _ in range(steps):
        run.step()
    return run


def test_training_keeps_outputs_near_those_of_the_averaged_weights(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Of a run that follows the penalty, and of one whose penalty is too small to be felt but keeps the average."""
    apart, far = {}, {}
    for weight in (1e-9, 20.0):
        config = small_config(
            ("sst",),
            proximal={"weight": {"sst": weight}, "decay": 0.9, "late_decay": 0.9},
            optim={"learning_rate": 5e-3},
        )
        run = trained(config, resources, tmp_path / str(weight), 25)
        assert run.forward_examples == 25 * 20 * 2
        torch.manual_seed(6)
        forward = ForwardPass(run.model.eval(), run.tasks["sst"].next_batch(200))
        average: dict[str, Tensor] = run.techniques["proximal_point"].state_dict()
        with torch.no_grad():
            divergence = run.model.losses["sst"].divergence
            apart[weight] = divergence(forward.outputs, forward.repeat(parameters=average)).item()
        parameters: dict[str, Any] = dict(run.model.named_parameters())
        far[weight] = sum((parameters[name] - kept).square().sum().item() for name, kept in average.items())
    assert apart[20.0] < 0.2 * apart[1e-9]
    assert far[20.0] < far[1e-9]


@pytest.mark.parametrize("stop", [1, 9])
def test_a_resumed_run_equals_an_uninterrupted_one(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, stop: int
) -> None:
    config = small_config(proximal={"weight": every_task(1.0), "decay": 0.5})
    whole = trained(config, resources, tmp_path / "whole", 14)
    trained(config, resources, tmp_path / "parts", stop).save()
    torch.manual_seed(77)
    second = trained(config, resources, tmp_path / "parts", 14 - stop)
    weights = second.model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in whole.model.state_dict().items())
    averages = [run.techniques["proximal_point"].state_dict() for run in (whole, second)]
    assert all(torch.equal(weight, averages[1][name]) for name, weight in averages[0].items())
