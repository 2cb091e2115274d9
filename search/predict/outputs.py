"""Predict with an exported model or ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.ensembles import average
from core.inputs.resources import pick_device
from core.model_files.model_folder import load_model_folder
from core.scoring import predict
from data.examples import Examples
from data.tasks import TaskSpec

__all__ = ["predict_sentences"]


def predict_sentences(
    shares: Mapping[Path, float], spec: TaskSpec, sentences: Sequence[tuple[str, ...]], device: str
) -> np.ndarray:
    """Return class probabilities (N, K) or scores (N,), averaged over the models; one model is in memory at a time.

    Args:
        shares: of each model folder in the average.
        spec: the task.
        sentences: of each example.
        device: to compute on; ``auto`` chooses.
    """
    where, outputs = pick_device(device), []
    for folder in shares:
        trained = load_model_folder(folder)
        examples = Examples.from_sentences(spec, sentences, trained.tokenizer)
        outputs.append(predict(trained.model.to(where), trained.config, examples, trained.layout, where))
    return average(outputs, list(shares.values())) if len(outputs) > 1 else outputs[0]
