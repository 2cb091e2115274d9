"""Given loss weights and their tapers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.loss_weights import make_loss_weighting
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from tests.core.loss_weights.weights import weight

MakeConfig = Callable[..., RunConfig]
CPU = torch.device("cpu")


def test_tapers_fall_with_the_virtual_epoch_as_in_the_report(small_config: MakeConfig) -> None:
    """0.5 / (E + 1) for sst, 1 for para, 1 / (ln(E + 1) + 1) for sts, all times 1.2: the weights have mean 1."""
    config = small_config(
        loss={"weights": {"sst": 0.5, "para": 1.0, "sts": 1.0}, "taper": {"sst": "inverse", "sts": "log"}}
    )
    fixed = make_loss_weighting(config, CPU)
    for examples, epoch in ((0, 0), (9, 0), (10, 1), (35, 3), (99, 9), (100, 9), (140, 9)):
        progress = Progress(examples, examples, planned=100, epochs=10)
        expected = [0.5 / (epoch + 1), 1.0, 1.0 / (math.log(epoch + 1) + 1)]
        weights = [weight(fixed, task, progress) for task in ("sst", "para", "sts")]
        assert weights == pytest.approx([1.2 * value for value in expected])


def test_a_run_applies_its_tapers_from_the_first_epoch_to_the_last(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong: a trainer that weighs every step as if it were the first, where tapers never fall."""
    config = small_config(
        loss={"weights": {"sst": 2.0}, "taper": {"sst": "inverse", "para": "log"}},
        sampler={"order": "together"},
        budget={"examples": 360, "batch_size": 20, "epochs": 3},
    )
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    run.folder.make()
    plain: list[float] = []
    weighted: list[tuple[str, float]] = []
    note, add = run.losses.add, run.gradients.add

    def see_plain(step: int, task: str, loss: torch.Tensor) -> None:
        plain.append(loss.item())
        note(step, task, loss)

    def see_weighted(task: str, loss: torch.Tensor) -> None:
        weighted.append((task, loss.item()))
        add(task, loss)

    monkeypatch.setattr(run.losses, "add", see_plain)
    monkeypatch.setattr(run.gradients, "add", see_weighted)
    for step in range(6):
        run.step()
        epoch = step // 2  # two updates of 60 examples each
        expected = {"sst": 1.5 / (epoch + 1), "para": 0.75 / (math.log(epoch + 1) + 1), "sts": 0.75}
        applied = {task: loss / bare for (task, loss), bare in zip(weighted, plain, strict=True)}
        assert applied == pytest.approx(expected)
        plain.clear()
        weighted.clear()
    assert run.evaluate().loss_weights == pytest.approx({"sst": 0.5, "para": 0.75 / (math.log(3) + 1), "sts": 0.75})


def test_a_weight_of_zero_takes_a_task_out(small_config: MakeConfig) -> None:
    fixed = make_loss_weighting(small_config(loss={"weights": {"sst": 0.0}}), CPU)
    assert [weight(fixed, task) for task in ("sst", "para", "sts")] == pytest.approx([0.0, 1.5, 1.5])
