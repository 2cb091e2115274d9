"""R-Drop: the loss of two dropout passes and their disagreement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert, build_model
from core.run.run_folder import RunFolder
from core.techniques import make_techniques
from core.techniques.r_drop import RDrop
from core.trainer import TrainingRun
from data.batching import Batch

MakeConfig = Callable[..., RunConfig]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class TwoPasses(ForwardPass):
    """Keeps what the second pass gave."""

    others: Tensor

    def repeat_with_fresh_dropout(self) -> Tensor:
        self.others = super().repeat_with_fresh_dropout()
        return self.others


@pytest.fixture
def make(small_config: MakeConfig, resources: Resources) -> Callable[..., tuple[MultitaskBert, Batch]]:
    def build(task: str, size: int = 12, **sections: object) -> tuple[MultitaskBert, Batch]:
        config = small_config((task,), **sections)
        encoder = resources.encoder(config)
        model = build_model(config, encoder.config, encoder.read_weights()).train()
        with torch.no_grad():  # a fresh head is so small that all answers look alike
            model.heads[task].layers[-1].weight *= 20
        return model, resources.task_data(config)[task].next_batch(size)

    return build


def test_the_whole_is_the_papers_loss_of_classes(make: Callable[..., tuple[MultitaskBert, Batch]]) -> None:
    """1/2 (CE1 + CE2) + alpha 1/2 (KL + KL), each a mean over the batch, in float64.

    Catches a sum over the batch, one direction of the KL only, the halves left out, and L1 counted twice.
    """
    model, batch = make("sst")
    model.double()
    assert batch.labels is not None
    forward = TwoPasses(model, batch)
    penalty = RDrop({"sst": 3.0}).penalty(forward)
    assert penalty is not None
    total = model.losses["sst"].loss(forward.outputs, batch.labels) + penalty
    p, q = forward.outputs.softmax(-1), forward.others.softmax(-1)  # (B, 5)
    rows = torch.arange(len(batch))
    entropy = -(p[rows, batch.labels].log() + q[rows, batch.labels].log()) / 2
    kl = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)) / 2
    assert kl.mean() > 1e-3
    assert total.item() == pytest.approx((entropy + 3.0 * kl).mean().item(), rel=1e-12)


def test_the_whole_for_scores_has_the_squared_difference(make: Callable[..., tuple[MultitaskBert, Batch]]) -> None:
    model, batch = make("sts")
    model.double()
    assert batch.labels is not None
    forward = TwoPasses(model, batch)
    penalty = RDrop({"sts": 4.0}).penalty(forward)
    assert penalty is not None
    total = model.losses["sts"].loss(forward.outputs, batch.labels) + penalty
    first, second = (5 * z.sigmoid().squeeze(-1) for z in (forward.outputs, forward.others))
    squares = ((first - batch.labels) ** 2 + (second - batch.labels) ** 2) / 2
    apart = (first - second) ** 2
    assert total.item() == pytest.approx((squares + 4.0 / 2 * apart).mean().item(), rel=1e-12)


def test_gradients_flow_through_both_passes(make: Callable[..., tuple[MultitaskBert, Batch]]) -> None:
    model, batch = make("para")
    forward = TwoPasses(model, batch)
    penalty = RDrop({"para": 1.0}).penalty(forward)
    assert penalty is not None
    for gradient in torch.autograd.grad(penalty, (forward.outputs, forward.others)):
        assert gradient.abs().max() > 0


def test_without_dropout_there_is_nothing_to_add(make: Callable[..., tuple[MultitaskBert, Batch]]) -> None:
    model, batch = make("para")
    model.eval()
    assert RDrop({"para": 5.0}).penalty(ForwardPass(model, batch)) == 0.0


def test_alpha_0_costs_nothing(make: Callable[..., tuple[MultitaskBert, Batch]], small_config: MakeConfig) -> None:
    model, batch = make("sst")
    forward = ForwardPass(model, batch)
    state = torch.get_rng_state()
    assert RDrop({"sst": 0.0, "para": 1.0}).penalty(forward) is None
    assert forward.count == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert "r_drop" not in make_techniques(small_config())
    assert "r_drop" in make_techniques(small_config(r_drop={"alpha": {"para": 1.0}}))


def disagreement(run: TrainingRun) -> float:
    """Return the mean divergence of two dropout passes over 200 training examples."""
    run.model.train()
    torch.manual_seed(4)
    batch = run.tasks["sst"].next_batch(200)
    with torch.no_grad():
        forward = ForwardPass(run.model, batch)
        return run.model.losses["sst"].divergence(forward.outputs, forward.repeat_with_fresh_dropout()).item()


def test_training_makes_dropout_passes_agree(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    apart = {}
    for alpha in (0.0, 30.0):
        config = small_config(("sst",), r_drop={"alpha": {"sst": alpha}}, budget={"examples": 2000, "batch_size": 20})
        run = TrainingRun(config, RunFolder(tmp_path / str(alpha)), resources)
        while run.progress.examples < 2000:
            run.step()
        assert run.forward_examples == 2000 * (2 if alpha else 1)
        apart[alpha] = disagreement(run)
    assert apart[30.0] < 0.5 * apart[0.0]


@pytest.mark.parametrize("stop", [1, 8])
def test_a_resumed_run_equals_an_uninterrupted_one(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, stop: int
) -> None:
    config = small_config(r_drop={"alpha": {"sst": 1.0, "sts": 2.0}})

    def after(run: TrainingRun, steps: int) -> TrainingRun:
        for _ in range(steps):
            run.step()
        return run

    whole = after(TrainingRun(config, RunFolder(tmp_path / "whole"), resources), 14)
    first = TrainingRun(config, RunFolder(tmp_path / "parts"), resources)
    first.resume()
    after(first, stop).save()
    torch.manual_seed(77)
    second = TrainingRun(config, RunFolder(tmp_path / "parts"), resources)
    second.resume()
    after(second, 14 - stop)
    weights = second.model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in whole.model.state_dict().items())
    assert whole.forward_examples == second.forward_examples
