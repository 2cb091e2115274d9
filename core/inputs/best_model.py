"""The model that a run kept: the weights of its best rung, ready to predict."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from core.config import RunConfig
from core.inputs.resources import Resources, pick_device
from core.model.multitask import build_model
from core.model_files.model_folder import TrainedModel
from core.run.run_folder import RunFolder
from data.errors import UserError

__all__ = ["load_best_model"]


def load_best_model(folder: RunFolder, config: RunConfig, resources: Resources) -> TrainedModel:
    """The model as it was scored, LoRA's updates not merged, in eval mode on the device of ``config.compute``.

    Sets torch's threads to the run's, so that it predicts the same numbers again.

    Args:
        folder: of the run; its best model is still there.
        config: of the run.
        resources: loads the encoder.

    Raises:
        UserError: if the encoder cannot be loaded, this machine has no such device, or the model in the folder is
            damaged, not one of the RunConfig, or of an earlier version.
    """
    torch.set_num_threads(config.compute.threads)
    encoder = resources.encoder(config)
    model = build_model(config, encoder.config, None)
    try:
        model.load_state_dict(load_file(folder.best_model))
    except (SafetensorError, OSError) as error:
        raise UserError(f"{folder.best_model}: cannot be read: {' '.join(str(error).split())}") from error
    except RuntimeError as error:
        raise UserError(
            f"{folder.best_model}: not a model of {folder.config}, or of an earlier version; "
            "search again under a new --name"
        ) from error
    return TrainedModel(model.to(pick_device(config.compute.device)).eval(), config, encoder.tokenizer)
