"""Choose the precision of a study by taking a few real training steps in each."""

from __future__ import annotations

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources, pick_device
from core.run.clock import seconds_of
from core.run.precision import check_precision
from core.run.precision_choice import PrecisionChoice
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.errors import UserError

__all__ = ["choose_precision"]

_ROUNDS = 5
_WORTHWHILE = 1.15  # times as fast; less may be an error of the measurement, and rounding has its price too


def choose_precision(config: RunConfig, resources: Resources) -> PrecisionChoice:
    """Compare a training step in bfloat16 with the same step in float32, in turns.

    What is loaded stays in ``resources``; nothing that is trained is kept.

    Args:
        config: a run of the study. Where its precision is not 'auto', only check that the device supports it.
        resources: of this process.

    Raises:
        UserError: if the device does not support the precision that the run has, or an input is unusable.
    """
    compute, device = config.compute, pick_device(config.compute.device)
    if compute.precision != "auto":
        check_precision(compute, device)
        return PrecisionChoice(compute.precision, "as set")
    try:
        check_precision(compute.model_copy(update={"precision": "bfloat16"}), device)
    except UserError:
        return PrecisionChoice("float32", f"device '{device.type}' does not support bfloat16")
    torch.set_num_threads(compute.threads)
    speedup = statistics.median(_step_ratios(config.single, resources))
    if speedup >= _WORTHWHILE:
        return PrecisionChoice("bfloat16", f"{speedup:.2f} times as fast as float32 when the study began")
    return PrecisionChoice("float32", f"bfloat16 was {speedup:.2f} times as fast when the study began")


def _step_ratios(config: RunConfig, resources: Resources) -> list[float]:
    """Return the seconds of a step in float32 divided by those of the same step in bfloat16, for a few batches."""
    exact, half = (
        config.model_copy(
            update={
                "compute": config.compute.model_copy(update={"precision": precision}),
                "pretraining": PretrainingConfig(),  # stages change the weights, not the speed
            }
        )
        for precision in ("float32", "bfloat16")
    )
    with TemporaryDirectory() as folder:
        run = TrainingRun(exact, RunFolder(Path(folder)), resources)
        ratios = []
        for number in range(_ROUNDS):
            order = (exact, half) if number % 2 else (half, exact)
            before = run.progress, {name: data.state_dict() for name, data in run.tasks.items()}
            seconds = {}
            for one in (*order, *order):  # the first step of each warms up: bfloat16 compiles code for a batch's shape
                run.progress = before[0]
                for name, state in before[1].items():  # both train on the same batches
                    run.tasks[name].load_state_dict(state)
                seconds[one.compute.precision] = _seconds_of_step(run, one)
            ratios.append(seconds["float32"] / seconds["bfloat16"])
    return ratios


def _seconds_of_step(run: TrainingRun, config: RunConfig) -> float:
    run.config = config
    return seconds_of(run.step, run.device)
