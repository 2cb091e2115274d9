"""Gradient rules in real runs: made by name, apart from heads and loss weights, clipped, resumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.config import RunConfig
from core.gradients import AnchoredGradients, PCGrad, SummedGradients, make_gradient_rule
from core.trainer import TrainingRun
from tests.core.gradients.toy_model import NO_DROPOUT, PCGRAD, TASKS, Model, gradients_of_a_step

MakeConfig = Callable[..., RunConfig]
ANCHORED: dict[str, Any] = {"gradients": {"rule": "anchored", "anchor": "sst"}}


def test_rules_are_made_by_name(small_config: MakeConfig) -> None:
    model: Any = Model(1)
    assert isinstance(make_gradient_rule(small_config(), model), SummedGradients)
    assert isinstance(make_gradient_rule(small_config(**PCGRAD), model), PCGrad)
    assert isinstance(make_gradient_rule(small_config(**ANCHORED), model), AnchoredGradients)


def test_learned_loss_weights_and_frozen_layers_are_not_projected(start: Callable[..., TrainingRun]) -> None:
    sections = {**PCGRAD, **NO_DROPOUT, "loss": {"weighting": "uncertainty"}}
    run = start(**sections)
    word_embeddings = run.model.encoder("sst").embeddings.word_embeddings.weight
    word_embeddings.requires_grad_(False)
    run.gradients = make_gradient_rule(run.config, run.model)
    for task in TASKS:
        loss = run.model(run.tasks[task].next_batch(4)).square().mean()
        run.gradients.add(task, run.weighting.weigh(task, loss, run.progress))
        s = run.weighting.parameters[TASKS.index(task)]
        gradient = 0.5 - run.config.loss_weight(task) * loss.item()
        assert s.grad is not None
        assert s.grad.item() == pytest.approx(gradient, rel=1e-4)
    run.gradients.combine(0)
    assert word_embeddings.grad is None
    assert run.model.encoder("sst").embeddings.LayerNorm.weight.grad is not None


def test_the_combined_gradient_is_what_is_clipped(start: Callable[..., TrainingRun]) -> None:
    """Wrong: tasks clipped before they are compared come out in another direction, longer than the bound."""
    free = gradients_of_a_step(start("free", **PCGRAD, **NO_DROPOUT, optim={"clip_norm": None}))
    clipped = gradients_of_a_step(start("clipped", **PCGRAD, **NO_DROPOUT, optim={"clip_norm": 0.01}))
    flat, flat_clipped = (torch.cat([g.flatten() for g in seen.values()]) for seen in (free, clipped))
    assert flat.norm() > 0.02
    assert flat_clipped.norm().item() == pytest.approx(0.01, rel=1e-4)
    assert torch.allclose(flat_clipped / 0.01, flat / flat.norm(), atol=1e-5)


@pytest.mark.parametrize("sections", [PCGRAD, ANCHORED, {**ANCHORED, "optim": {"accumulate": 2}}])
def test_a_resumed_run_equals_an_uninterrupted_one(start: Callable[..., TrainingRun], sections: dict[str, Any]) -> None:
    whole = start("whole", **sections)
    for _ in range(8):
        whole.step()
    halves = start("halves", **sections)
    halves.resume()
    for _ in range(4):
        halves.step()
    halves.save()
    rest = start("halves", **sections)
    rest.resume()
    for _ in range(4):
        rest.step()
    weights = whole.model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in rest.model.state_dict().items())
    plain = start("plain", **{k: v for k, v in sections.items() if k != "gradients"})
    for _ in range(8):
        plain.step()
    assert any(not torch.equal(weight, weights[name]) for name, weight in plain.model.state_dict().items())


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_tells_its_rule_the_number_of_every_update(
    start: Callable[..., TrainingRun], monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    """Wrong: always 0, where PCGrad would visit the tasks in the same order in every update; or turns, not updates."""
    sections = {**PCGRAD, "optim": {"accumulate": accumulate}}
    seen = []

    def watched() -> TrainingRun:
        run = start("watched", **sections)
        combine = run.gradients.combine

        def see(step: int) -> None:
            seen.append(step)
            combine(step)

        monkeypatch.setattr(run.gradients, "combine", see)
        run.resume()
        return run

    for updates in (3, 2):  # the second run continues where the first was saved
        run = watched()
        for _ in range(updates):
            run.step()
        run.save()
    assert seen == [0, 1, 2, 3, 4]
