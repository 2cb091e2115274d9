"""Provide the encoder's weights after a run's stages, from the cache if another run has trained them."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources, pick_device
from core.model.multitask import encoder_names
from core.model.randomness import preserved_random_state
from core.pretraining.observer import StageObserver
from core.pretraining.stage_plan import plan_stages
from core.pretraining.stage_trainer import StageTrainer
from core.run.precision import check_precision

__all__ = ["encoder_weights", "pretrained_weights"]

_CHECKPOINT_SECONDS = 120.0  # the most that a kill may cost


def encoder_weights(
    config: RunConfig, resources: Resources, observer: StageObserver
) -> dict[str, dict[str, Tensor] | None]:
    """Return the weights that each of the run's encoders starts from, by the encoder's name.

    Encoders with the same stages share them. Raises like :func:`pretrained_weights`.
    """
    found: dict[PretrainingConfig, dict[str, Tensor] | None] = {}
    chains = {name: config.pretraining.of_encoder(name) for name in encoder_names(config)}
    for chain in chains.values():
        if chain not in found:
            found[chain] = pretrained_weights(config, chain, resources, resources.cache_dir, observer)
    return {name: found[chain] for name, chain in chains.items()}


def pretrained_weights(
    config: RunConfig,
    pretraining: PretrainingConfig,
    resources: Resources,
    cache_dir: Path,
    observer: StageObserver,
    checkpoint_seconds: float = _CHECKPOINT_SECONDS,
) -> dict[str, Tensor] | None:
    """Train the run's stages, or load the results of those that have been trained; a killed stage resumes.

    They are those of one encoder; encoders that start alike each continue with a copy.

    Torch's generators are restored at the end, so that a run does not depend on whether it trained its stages itself.

    Args:
        config: the run.
        pretraining: its stages.
        resources: shared by the runs of this process.
        cache_dir: results are kept in its folder ``stages`` and shared by all processes; a stage that two processes
            need at the same time is trained by one of them.
        observer: called at every step.
        checkpoint_seconds: seconds between two checkpoints of a stage.

    Returns:
        The weights to build the run's encoders from, on the CPU. Without stages, the encoder's own weights, or None for
        random initial weights.

    Raises:
        PretrainingInterruptedError: if the observer stopped the stages.
        DivergedError: if a loss or a weight is NaN or infinite.
        UserError: if data or encoder cannot be used, or the cache cannot be written to; finished stages stay there.
    """
    device = pick_device(config.compute.device)
    check_precision(config.compute, device)
    with preserved_random_state(device):
        plan = plan_stages(config, pretraining, resources, cache_dir, device)
        if plan is None:
            return resources.encoder(config).read_weights()
        trainer = StageTrainer(config, plan.shape, device, observer, checkpoint_seconds)
        weights = plan.weights
        for link, folder in plan.left:
            with folder.locked(link.stage.name, observer):
                weights = trainer.result(link, folder, weights)
        return weights
