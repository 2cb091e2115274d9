"""Train a run twice, once with an interruption, and compare everything that it leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.checkpoint import load_checkpoint
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from tests.core.config.drawn_settings import TASKS, Settings, differing

INTERRUPTED_AFTER, LEAST_STEPS, MOST_STEPS = 2, 3, 30


def trained(config: RunConfig, resources: Resources, steps: int | None, interrupted: bool) -> tuple[int, Settings]:
    """Train, score dev, and return the number of updates and all that the run leaves, except times and memory.

    Args:
        config: the run.
        resources: shared by all runs.
        steps: number of updates; None trains until every task has had a batch.
        interrupted: whether the run is saved after some updates and resumed by another object.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name))
        run = TrainingRun(config, folder, resources)
        folder.make()
        while not enough(run, steps):
            if interrupted and run.progress.step == INTERRUPTED_AFTER:
                run.save()
                torch.manual_seed(12345)
                run = TrainingRun(config, folder, resources)
                run.resume()
                assert run.progress.step == INTERRUPTED_AFTER
                interrupted = False
            run.step()
        run.evaluate()
        state = load_checkpoint(folder.checkpoint)
        state["best"] = (Path(name) / "best" / "model.safetensors").read_bytes()
        del state["seconds"], state["peak_memory_mib"]
        for evaluation in state["evaluations"]:
            del evaluation["seconds"], evaluation["examples_per_second"], evaluation["cost"]["peak_memory_mib"]
        return run.progress.step, state


def enough(run: TrainingRun, steps: int | None) -> bool:
    if steps is not None or run.progress.step in range(LEAST_STEPS):
        return run.progress.step == steps
    run.losses.read()  # raises if a loss is not a number
    return set(run.losses.means()) == set(TASKS) or run.progress.step == MOST_STEPS


def differences(a: Any, b: Any, place: str = "") -> Iterator[str]:
    """Yield the places where two checkpoints differ in any bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.dtype != b.dtype or not torch.equal(a, b):
            yield place
    elif isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from differences(a[key], b[key], f"{place}/{key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for number, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, f"{place}/{number}")
    elif type(a) is not type(b) or a != b:
        yield place


def check(config: RunConfig, resources: Resources) -> set[str]:
    """Train the config twice, the second time with an interruption, and return the tasks that had a batch."""
    steps, once = trained(config, resources, None, interrupted=False)
    (evaluation,) = once["evaluations"]
    assert 0 <= evaluation["overall"] <= 1, differing(config)
    assert all(weight.isfinite().all() for weight in once["parts"]["model"].values()), differing(config)
    changed = list(differences(once, trained(config, resources, steps, interrupted=True)[1]))
    if changed:
        again = list(differences(once, trained(config, resources, steps, interrupted=False)[1]))
        why = "the same config gave others" if again else "an interruption changed them"
        pytest.fail(f"after {steps} steps {why}: {changed[:5]}, with {differing(config)}")
    return set(evaluation["train_loss"])
