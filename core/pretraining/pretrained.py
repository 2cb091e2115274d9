"""The encoder's weights after a run's stages, from the cache where another run has paid for them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from core.bert import Bert, BertConfig
from core.config import RunConfig
from core.config.pretraining import PretrainingConfig, StageConfig
from core.errors import CheckpointError
from core.multitask import build_encoder
from core.precision import check_precision
from core.pretraining.chain import Link, chain
from core.pretraining.observer import PretrainingInterruptedError, StageObserver
from core.pretraining.stage_folder import StageFolder
from core.pretraining.stage_run import StageRun
from core.pretraining.stages import make_stages
from core.random_state import random_state, restore_random_state
from core.resources import Resources, pick_device

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
        UserError: data or encoder cannot be used.
    """
    encoder = resources.encoder(config)
    stages = make_stages(config, pretraining, resources)
    if not stages:
        return encoder.weights
    device = pick_device(config.compute.device)
    check_precision(config.compute, device)
    with _generators_kept(device):
        # What the weights lack is drawn as it is for the run itself.
        start = build_encoder(config, encoder.config, encoder.weights)
        links = chain(stages, start, config, resources.layout(config), encoder.tokenizer.to_str(), device)
        folders = [StageFolder(cache_dir / "stages" / link.key) for link in links]
        trainer = _StageTrainer(config, start.config, device, observer, checkpoint_seconds)
        done, weights = _last_result(folders)
        if weights is None:
            weights = dict(start.state_dict())
        for link, folder in zip(links[done:], folders[done:], strict=True):
            with folder.locked(link.stage.name, observer):
                weights = trainer.result(link, folder, weights)
    return weights


def _last_result(folders: list[StageFolder]) -> tuple[int, dict[str, Tensor] | None]:
    """How many stages need not be looked at, and the weights after them: a result needs none of the earlier ones."""
    for number in range(len(folders), 0, -1):
        with suppress(CheckpointError):  # a damaged one is reported when it is its turn
            weights = folders[number - 1].read_encoder()
            if weights is not None:
                return number, weights
    return 0, None


class _StageTrainer:
    """Trains stages in their folders, which are locked meanwhile.

    Args:
        config: the run.
        shape: of its encoder.
        device: where to train.
        observer: sees every step.
        checkpoint_seconds: between two checkpoints.
    """

    def __init__(
        self,
        config: RunConfig,
        shape: BertConfig,
        device: torch.device,
        observer: StageObserver,
        checkpoint_seconds: float,
    ) -> None:
        self._config, self._shape, self._device = config, shape, device
        self._observer, self._checkpoint_seconds = observer, checkpoint_seconds

    def result(self, link: Link, folder: StageFolder, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights after a stage, from those before it."""
        try:
            found = folder.read_encoder()  # another process may have been faster
            if found is not None:
                return found
        except CheckpointError as error:
            warnings.warn(f"{error}; the stage is trained again", stacklevel=3)
        bert = Bert(_stage_shape(self._shape, link.stage.config), weights)
        run = StageRun(link.stage, bert, self._config.seed, self._config.compute, self._device)
        folder.write_facts(link.facts)
        _resume(run, folder)
        self._train(run, link.stage.name, folder)
        after = run.weights()
        folder.write_facts({**link.facts, "losses": run.curve})
        folder.write_encoder(after)
        return after

    def _train(self, run: StageRun, name: str, folder: StageFolder) -> None:
        saved = time.monotonic()
        while not run.finished:
            run.step()
            go_on = self._observer.advanced(name, run.progress.examples)
            if not go_on or time.monotonic() - saved >= self._checkpoint_seconds:
                folder.write_checkpoint(run.state_dict())
                saved = time.monotonic()
            if not go_on:
                raise PretrainingInterruptedError(f"stage {name} at {run.progress.examples:,} examples")


def _resume(run: StageRun, folder: StageFolder) -> None:
    """Go on from the folder's checkpoint; without a whole one, begin at the beginning."""
    try:
        state = folder.read_checkpoint()
    except CheckpointError as error:
        # Stages are deterministic: beginning again costs time, not results.
        warnings.warn(f"{error}; the stage begins again", stacklevel=2)
        return
    if state is not None:
        run.load_state_dict(state)


@contextmanager
def _generators_kept(device: torch.device) -> Iterator[None]:
    """Put torch's generators back as they were."""
    state = random_state(device)
    try:
        yield
    finally:
        restore_random_state(state, device)


def _stage_shape(shape: BertConfig, stage: StageConfig) -> BertConfig:
    """The encoder under the stage's own dropout, where it has one."""
    if stage.dropout is None:
        return shape
    return replace(shape, hidden_dropout_prob=stage.dropout, attention_probs_dropout_prob=stage.dropout)
