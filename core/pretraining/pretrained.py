"""The encoder's weights after a run's stages, from the cache where another run has paid for them."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources, pick_device
from core.model.randomness import preserved_random_state
from core.pretraining.observer import StageObserver
from core.pretraining.stage_plan import plan_stages
from core.pretraining.stage_trainer import StageTrainer
from core.run.precision import check_precision

__all__ = ["pretrained_weights"]

_CHECKPOINT_SECONDS = 120.0  # what a kill may cost


def pretrained_weights(
    config: RunConfig,
    pretraining: PretrainingConfig,
    resources: Resources,
    cache_dir: Path,
    observer: StageObserver,
    checkpoint_seconds: float = _CHECKPOINT_SECONDS,
) -> dict[str, Tensor] | None:
    """Train the run's stages, or take the results of those that have been trained; a killed one goes on.

    One encoder is trained, also where every task then goes on with a copy of its own.

    Torch's generators are as before afterwards, so that a run does not depend on who trained its stages.

    Args:
        config: the run.
        pretraining: its stages.
        resources: shared by the runs of this process.
        cache_dir: results are kept in ``stages`` there, and shared by all processes; a stage that two want at the
            same time is trained by one of them.
        observer: sees every step.
        checkpoint_seconds: between two checkpoints of a stage.

    Returns:
        The weights to build the run's encoders from, on the CPU; if there are no stages the encoder's own, None where
        they are to be drawn.

    Raises:
        PretrainingInterruptedError: the observer said stop.
        DivergedError: a loss or a weight is NaN or infinite.
        UserError: data or encoder cannot be used, or the cache cannot be written to; stages that are done stay there.
    """
    device = pick_device(config.compute.device)
    check_precision(config.compute, device)
    with preserved_random_state(device):
        plan = plan_stages(config, pretraining, resources, cache_dir, device)
        if plan is None:
            return resources.encoder(config).weights
        trainer = StageTrainer(config, plan.shape, device, observer, checkpoint_seconds)
        weights = plan.weights
        for link, folder in plan.left:
            with folder.locked(link.stage.name, observer):
                weights = trainer.result(link, folder, weights)
        return weights
