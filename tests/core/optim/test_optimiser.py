"""AdamW as we use it, clipping and weight averaging, against torch's own and hand calculations."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.multitask import MultitaskBert, build_model
from core.optim.optimiser import Optimiser
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun

MakeConfig = Callable[..., RunConfig]


def fill_gradients(model: MultitaskBert, value: float) -> None:
    for p in model.parameters():
        p.grad = torch.full_like(p, value) if p.requires_grad else None


def weights_of(model: MultitaskBert) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def make_model(config: RunConfig, resources: Resources) -> MultitaskBert:
    encoder = resources.encoder(config)
    return build_model(config, encoder.config, encoder.read_weights())


def test_three_steps_equal_those_of_plain_adamw(small_config: MakeConfig, resources: Resources) -> None:
    config = small_config(optim={"learning_rate": 0.1, "weight_decay": 0.3, "warmup": 0.0, "schedule": "linear"})
    model, reference = make_model(config, resources), make_model(config, resources)
    ours = Optimiser(config, model, ())
    named = list(reference.named_parameters())
    plain = torch.optim.AdamW(
        [
            {"params": [p for n, p in named if p.ndim > 1 and "LayerNorm" not in n], "weight_decay": 0.3},
            {"params": [p for n, p in named if p.ndim == 1 or "LayerNorm" in n], "weight_decay": 0.0},
        ],
        lr=0.1,
        betas=(0.9, 0.999),
        eps=1e-8,
    )
    for step in range(3):
        for p, q in zip(model.parameters(), reference.parameters(), strict=True):
            p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(step))
            q.grad = p.grad.clone()
        ours.step(Progress(step, step * 10, planned=30, epochs=1), examples=10)
        for group in plain.param_groups:
            group["lr"] = 0.1 * (1 - (step * 10 + 5) / 30)  # the rate of the step's middle
        plain.step()
    others = dict(named)
    assert all(torch.allclose(p, others[n], atol=1e-6) for n, p in model.named_parameters())


# Two layers, xi = 1/2: the parts' rates relative to the base rate.
FACTORS = {
    "encoders.all-tasks.embeddings.": 0.25,
    "encoders.all-tasks.encoder.layer.0.": 0.5,
    "encoders.all-tasks.encoder.layer.1.": 1.0,
    "encoders.all-tasks.pooler.": 1.0,
    "heads.": 1.0,
}


def factor_of(name: str) -> float:
    return next(factor for prefix, factor in FACTORS.items() if name.startswith(prefix))


@pytest.mark.parametrize("head_rate", [None, 1e-2])
@pytest.mark.parametrize("lora", [0, 2])
def test_layer_wise_rates(small_config: MakeConfig, resources: Resources, head_rate: float | None, lora: int) -> None:
    """AdamW's first step moves every number by its rate: with halved rates, by xi^(L-l) of the base rate.

    Catches the exponent counted from the wrong end or off by one, LoRA's parameters outside of their layer, heads
    that decay with the encoder, and a schedule that is applied to the base rate only.
    """
    optim = {"learning_rate": 4e-3, "layer_decay": 0.5, "head_learning_rate": head_rate, "weight_decay": 0.0}
    config = small_config(
        optim={**optim, "warmup": 0.0},
        lora={"rank": lora},
        loss={"uncertainty_rate": 0.08},
        heads={"sst": {"layers": 2}},
    )
    model = make_model(config, resources)
    learned = torch.nn.Parameter(torch.zeros(()))
    optimiser = Optimiser(config, model, [learned])
    before = weights_of(model)
    fill_gradients(model, 0.7)
    learned.grad = torch.tensor(-0.3)
    optimiser.step(Progress(0, 45, planned=100, epochs=1), examples=10)  # half-way down the linear decay
    assert learned.item() == pytest.approx(0.08 / 2, rel=1e-4)
    for name, parameter in model.named_parameters():
        rate = head_rate if head_rate and name.startswith("heads.") else 4e-3 * factor_of(name)
        expected = rate / 2 if parameter.requires_grad else 0.0
        assert torch.allclose(before[name] - parameter, torch.tensor(expected), rtol=1e-3, atol=1e-7), name


def test_weight_decay_goes_with_the_rate_of_its_part(small_config: MakeConfig, resources: Resources) -> None:
    """With gradients of zero only decay is left: w (1 - rate * decay) for matrices, LoRA's too."""
    optim = {"learning_rate": 0.1, "layer_decay": 0.5, "weight_decay": 0.4, "warmup": 0.0, "schedule": "constant"}
    config = small_config(optim=optim, lora={"rank": 2, "targets": "all-linear"})
    model = make_model(config, resources)
    learned = torch.nn.Parameter(torch.tensor(3.0))
    optimiser = Optimiser(config, model, [learned])
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1.0)
    before = weights_of(model)
    fill_gradients(model, 0.0)
    learned.grad = torch.tensor(0.0)
    optimiser.step(Progress(0, 0, planned=100, epochs=1), examples=10)
    assert learned.item() == 3.0
    shrunk = 0
    for name, parameter in model.named_parameters():
        decay = 0.4 if parameter.ndim > 1 and parameter.requires_grad else 0.0
        expected = before[name] * (1 - 0.1 * factor_of(name) * decay)
        assert torch.allclose(parameter, expected, rtol=1e-6), name
        shrunk += decay > 0
    assert shrunk == 2 * 6 * 2 + 3


def test_parameters_alike_share_a_group(small_config: MakeConfig, resources: Resources) -> None:
    """Each group is a call of the fused kernel: two of them, with and without decay, where rates do not differ."""

    def rates(**optim: Any) -> list[float]:
        config = small_config(optim=optim)
        return [g["lr"] for g in Optimiser(config, make_model(config, resources), ()).state_dict()["param_groups"]]

    assert rates() == [3e-3] * 2
    assert rates(weight_decay=0.0) == [3e-3]
    assert rates(layer_decay=0.5) == [0.75e-3] * 2 + [1.5e-3] * 2 + [3e-3] * 2
    assert rates(head_learning_rate=0.01) == [3e-3] * 2 + [0.01] * 2


def test_moments_come_back_to_their_parameters(small_config: MakeConfig, resources: Resources) -> None:
    """A second optimiser that takes over in the middle continues as the first would have."""
    config = small_config(optim={"layer_decay": 0.8, "head_learning_rate": 0.02}, model={"freeze_layers": 1})
    one, two = make_model(config, resources), make_model(config, resources)
    first, other = Optimiser(config, one, ()), Optimiser(config, two, ())
    for step in range(4):
        if step == 2:
            two.load_state_dict(one.state_dict())
            other.load_state_dict(deepcopy(first.state_dict()))  # a checkpoint shares no memory with the run
        for model in (one, two):
            generator = torch.Generator().manual_seed(step)
            for p in model.parameters():
                p.grad = torch.randn(p.shape, generator=generator) if p.requires_grad else None
        first.step(Progress(step, step * 10, planned=40, epochs=1), examples=10)
        if step >= 2:
            other.step(Progress(step, step * 10, planned=40, epochs=1), examples=10)
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), two.parameters(), strict=True))


def test_a_loaded_state_is_not_changed_by_later_steps(small_config: MakeConfig, resources: Resources) -> None:
    config = small_config()
    model = make_model(config, resources)
    first, other = Optimiser(config, model, ()), Optimiser(config, model, ())
    fill_gradients(model, 0.5)
    first.step(Progress(0, 0, planned=40, epochs=1), examples=10)
    state = first.state_dict()
    before = deepcopy(state)
    other.load_state_dict(state)
    fill_gradients(model, 0.25)
    other.step(Progress(1, 10, planned=40, epochs=1), examples=10)
    for number, moments in before["state"].items():
        assert all(torch.equal(value, state["state"][number][name]) for name, value in moments.items())


def test_lower_layers_move_less_in_a_run(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    def moved(layer_decay: float) -> list[float]:
        config = small_config(optim={"layer_decay": layer_decay, "weight_decay": 0.0})
        run = TrainingRun(config, RunFolder(tmp_path / str(layer_decay)), resources)
        before = [layer.output.dense.weight.detach().clone() for layer in run.model.encoder("sst").layers]
        for _ in range(20):
            run.step()
        return [
            (layer.output.dense.weight - old).norm().item()
            for layer, old in zip(run.model.encoder("sst").layers, before, strict=True)
        ]

    plain, decayed = moved(1.0), moved(0.1)
    assert decayed[0] / decayed[1] < 0.2 * plain[0] / plain[1]


@pytest.mark.parametrize(
    ("optim", "sparse"),
    [
        ({}, True),
        ({"beta1": 0.99, "beta2": 0.9}, False),
        ({"learning_rate": 0.5, "weight_decay": 0.5}, False),  # the product of decay factors would come to 0
    ],
)
def test_all_rows_are_updated_where_missed_steps_have_no_sum(
    small_config: MakeConfig, resources: Resources, optim: dict[str, float], sparse: bool
) -> None:
    config = small_config(optim=optim)
    model = make_model(config, resources)
    Optimiser(config, model, (), by_row=True)
    assert all(bert.embeddings.word_embeddings.sparse == sparse for bert in model.distinct_encoders().values())
