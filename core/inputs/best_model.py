"""Load the model of a run's best rung, ready to predict."""

from __future__ import annotations

import warnings

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from core.config import RunConfig
from core.inputs.resources import Resources, pick_device
from core.model.bert import BertConfig
from core.model.multitask import build_model
from core.model_files.kept_encoder import load_kept_encoder
from core.model_files.model_folder import TrainedModel
from core.run.cores import usable_cores
from core.run.run_folder import RunFolder
from data.errors import UserError

__all__ = ["best_encoder", "load_best_model", "model_runs"]


def model_runs(folder: RunFolder, config: RunConfig) -> list[tuple[RunFolder, RunConfig]]:
    """Return the folder and the run of each of a run's models: its own, or those of its folds."""
    if config.models == 1:
        return [(folder, config)]
    return [(folder.fold(fold), config.in_fold(fold)) for fold in range(config.models)]


def load_best_model(folder: RunFolder, config: RunConfig, resources: Resources) -> TrainedModel:
    """Load the model as it was scored, in eval mode on the device of ``config.compute``; LoRA is not merged.

    Torch's threads are set to all cores that this process may use, however few the run had: the runs of a study share
    the cores, but one process predicts. Predictions are then those of the run up to rounding.

    Args:
        folder: folder of the run, which still contains its best model.
        config: the run.
        resources: loads the encoder of a run that has not kept its shape and tokenizer.

    Raises:
        UserError: if that encoder cannot be loaded, this machine lacks the device, or the model in the folder is
            damaged, belongs to another RunConfig, or was written by an earlier version.
    """
    try:
        folder.check_best_model()
    except OSError as error:
        raise UserError(f"{error.filename}: cannot read the model: {error.strerror or error}") from error
    torch.set_num_threads(max(config.compute.threads, usable_cores()))
    shape, tokenizer = best_encoder(folder, config, resources)
    model = build_model(config, shape, None)
    try:
        model.load_state_dict(load_file(folder.best_model))
    except (SafetensorError, OSError) as error:
        raise UserError(f"{folder.best_model}: cannot read the model: {' '.join(str(error).split())}") from error
    except RuntimeError as error:
        raise UserError(
            f"{folder.best_model}: does not match {folder.config}, or was written by an earlier version; "
            "run the search again under a new --name"
        ) from error
    return TrainedModel(model.to(pick_device(config.compute.device)).eval(), config, tokenizer)


def best_encoder(folder: RunFolder, config: RunConfig, resources: Resources) -> tuple[BertConfig, Tokenizer]:
    """Return the shape and the tokenizer of the encoder that a run's best model was trained with.

    A run of an earlier version has not kept them; they are then those of its encoder as it is now.

    Raises:
        UserError: if what was kept is damaged, or the encoder of such a run cannot be loaded.
    """
    kept = load_kept_encoder(folder.best_encoder)
    if kept is not None:
        return kept
    warnings.warn(
        f"runs recorded before they kept their tokenizer use that of encoder '{config.model.encoder}' as it is now",
        stacklevel=2,
    )
    encoder = resources.encoder(config)
    return encoder.config, encoder.tokenizer
