"""Train a stage in its folder, or load the result of another process."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import torch
from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import StageConfig
from core.model.bert import Bert, BertConfig
from core.model.lora import add_lora, load_updates, split_updates
from core.pretraining.observer import PretrainingInterruptedError, StageObserver
from core.pretraining.stage import Stage
from core.pretraining.stage_folder import StageFolder
from core.pretraining.stage_keys import KeyedStage
from core.pretraining.stage_run import StageRun
from core.run.errors import CheckpointError

__all__ = ["StageTrainer", "begin_stage"]


class StageTrainer:
    """A trainer of stages in their locked folders.

    Args:
        config: the run.
        shape: architecture of its encoder.
        device: where to train.
        observer: called at every step.
        checkpoint_seconds: seconds between two checkpoints.
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

    def result(self, link: KeyedStage, folder: StageFolder, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights after a stage, given those before it.

        Raises:
            PretrainingInterruptedError: if the observer stopped the stage.
            DivergedError: if a loss or a weight is NaN or infinite.
            UserError: if the stage's data cannot be used, or the folder cannot be written to.
        """
        try:
            found = folder.read_encoder()  # another process may have been faster
            if found is not None:
                return found
        except CheckpointError as error:
            warnings.warn(f"{error}; the stage is trained again", stacklevel=3)
        run = begin_stage(link.stage, self._config, self._shape, weights, self._device)
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
            proceed = self._observer.advanced(name, run.progress.examples)
            if not proceed or time.monotonic() - saved >= self._checkpoint_seconds:
                folder.write_checkpoint(run.state_dict())
                saved = time.monotonic()
            if not proceed:
                raise PretrainingInterruptedError(f"stage {name} at {run.progress.examples:,} examples")


def begin_stage(
    stage: Stage, config: RunConfig, shape: BertConfig, weights: dict[str, Tensor], device: torch.device
) -> StageRun:
    """Return the stage before its first step, on an encoder with these weights."""
    plain, updates = split_updates(weights)
    bert = Bert(_stage_shape(shape, stage.config), plain)
    if stage.config.lora:
        add_lora(bert, config.lora, config.seed)
        load_updates(bert, updates)
    return StageRun(stage, bert, config.seed, config.compute, device)


def _resume(run: StageRun, folder: StageFolder) -> None:
    """Continue from the folder's checkpoint; without a valid one, start from the beginning."""
    try:
        state = folder.read_checkpoint()
    except CheckpointError as error:
        # Stages are deterministic: starting over costs time, not results.
        warnings.warn(f"{error}; the stage starts over", stacklevel=2)
        return
    if state is not None:
        run.load_state_dict(state)


def _stage_shape(shape: BertConfig, stage: StageConfig) -> BertConfig:
    """Return the architecture with the stage's own dropout, if it has one."""
    if stage.dropout is None:
        return shape
    return replace(shape, hidden_dropout_prob=stage.dropout, attention_probs_dropout_prob=stage.dropout)
