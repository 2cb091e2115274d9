"""The update: learning rate, weight decay and clipping; and losses that are not finite."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun
from core.run.errors import DivergedError

MakeRun = Callable[..., tuple[Stage, StageRun]]


def test_the_planned_examples_are_seen_and_the_curve_has_ten_points(make_run: MakeRun) -> None:
    _, run = make_run("simcse", examples=100, batch_size=8)
    steps = 0
    while not run.finished:
        run.step()
        steps += 1
    assert (steps, run.progress.examples) == (13, 104)
    assert len(run.curve) == 10
    assert list(run.curve)[-1] == "104"


def test_a_loss_that_is_not_finite_ends_the_stage(make_run: MakeRun) -> None:
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


def test_weights_broken_by_the_last_update_are_not_kept(make_run: MakeRun) -> None:
    _, run = make_run("mnrl", batch_size=4)
    run.step()
    with torch.no_grad():
        run.encoder.bert.pooler.dense.bias[0] = float("inf")
    with pytest.raises(DivergedError, match=r"weight 'pooler\.dense\.bias' is not finite after stage mnrl"):
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
