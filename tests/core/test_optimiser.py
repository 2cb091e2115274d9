"""AdamW as we use it, clipping and weight averaging, against torch's own and hand calculations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.config import OptimConfig, RunConfig
from core.optimiser import Optimiser, decays
from core.progress import Progress
from core.resources import Resources
from core.run_folder import RunFolder
from core.techniques.gradient_clipping import GradientClipping
from core.techniques.weight_average import WeightAverage
from core.trainer import TrainingRun

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def run(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> TrainingRun:
    return TrainingRun(small_config(), RunFolder(tmp_path), resources)


def test_biases_and_layer_norms_do_not_decay(run: TrainingRun) -> None:
    spared = {name for name, p in run.model.named_parameters() if not decays(name, p)}
    assert all(name.endswith("bias") or "LayerNorm" in name for name in spared)
    assert "bert.embeddings.LayerNorm.weight" in spared
    assert "bert.embeddings.word_embeddings.weight" not in spared


def test_three_steps_equal_those_of_plain_adamw() -> None:
    torch.manual_seed(0)
    config = OptimConfig(learning_rate=0.1, weight_decay=0.3, warmup=0.0, schedule="linear")
    model, reference = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    reference.load_state_dict(model.state_dict())
    ours = Optimiser(config, model)
    plain = torch.optim.AdamW(
        [{"params": [reference.weight], "weight_decay": 0.3}, {"params": [reference.bias], "weight_decay": 0.0}],
        lr=0.1,
        betas=(0.9, 0.999),
        eps=1e-8,
    )
    for step in range(3):
        x = torch.randn(5, 4)
        for network in (model, reference):
            network.zero_grad()
            network(x).square().sum().backward()
        ours.step(Progress(step, step * 10, planned=30, epochs=1), examples=10)
        for group in plain.param_groups:
            group["lr"] = 0.1 * (1 - (step * 10 + 5) / 30)  # the rate of the step's middle
        plain.step()
    assert torch.allclose(model.weight, reference.weight, atol=1e-6)
    assert torch.allclose(model.bias, reference.bias, atol=1e-6)


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


def test_the_average_follows_its_recurrence(run: TrainingRun) -> None:
    name = "bert.encoder.layer.0.attention.self.query.weight"
    parameter = dict(run.model.named_parameters())[name]
    average = WeightAverage(0.99)
    average.prepare(run.model)
    expected = parameter.detach().clone()
    for step in range(1, 6):
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter))
        average.after_update(run.model, Progress(step, step, 100, 1))
        beta = (1 + step) / (10 + step)
        expected = beta * expected + (1 - beta) * parameter.detach()
    trained = parameter.detach().clone()
    with pytest.raises(RuntimeError, match="while scoring"), average.evaluation_weights(run.model):
        assert torch.allclose(parameter, expected, atol=1e-6)
        raise RuntimeError("while scoring")
    assert torch.equal(parameter, trained)  # put back although scoring failed


def test_a_run_without_the_fields_has_no_such_technique(small_config: MakeConfig) -> None:
    config = small_config(optim={"clip_norm": None})
    assert GradientClipping.from_config(config) is None
    assert WeightAverage.from_config(config) is None
    assert WeightAverage.from_config(small_config(optim={"ema": 0.9})) is not None
