"""Predictions for a whole split, and dev scores from them."""

from __future__ import annotations

import numpy as np
import torch

from core.config import RunConfig
from core.errors import DivergedError
from core.metrics import overall_score, task_metrics
from core.multitask import MultitaskBert
from core.task_data import TaskData, sorted_batches
from data.examples import Examples
from data.rows import RowLayout

__all__ = ["DevScores", "predict", "score_dev"]


@torch.inference_mode()
def predict(
    model: MultitaskBert, examples: Examples, layout: RowLayout, siamese: bool, batch_size: int, device: torch.device
) -> np.ndarray:
    """Class probabilities (N, K) or scores (N,), float32, in the examples' order. Leaves the model in eval mode."""
    model.eval()
    outputs, positions = [], []
    for batch in sorted_batches(examples, layout, siamese, batch_size):
        outputs.append(model.predict(batch.to(device)).float().cpu().numpy())
        positions.append(batch.positions.numpy())
    stacked = np.concatenate(outputs)
    predictions = np.empty_like(stacked)
    predictions[np.concatenate(positions)] = stacked
    return predictions


class DevScores:
    """Predictions, metrics and scores of every task on dev.

    Attributes:
        predictions: per task, as :func:`predict` gives them.
        metrics: per task, all its metrics.
        scores: per task, its own metric.
        overall: weighted mean of the normalised scores.
    """

    def __init__(self, config: RunConfig, predictions: dict[str, np.ndarray], gold: dict[str, np.ndarray]) -> None:
        specs = {name: task.spec for name, task in config.tasks.items()}
        self.predictions = predictions
        self.metrics = {name: task_metrics(spec, predictions[name], gold[name]) for name, spec in specs.items()}
        self.scores = {name: self.metrics[name][spec.metric] for name, spec in specs.items()}
        weights = {name: task.score_weight for name, task in config.tasks.items()}
        self.overall = overall_score(self.scores, specs, weights)


def score_dev(model: MultitaskBert, config: RunConfig, tasks: dict[str, TaskData], device: torch.device) -> DevScores:
    """Score all tasks on their dev examples.

    Raises:
        DivergedError: if a prediction is NaN or infinite.
    """
    predictions, gold = {}, {}
    for name, data in tasks.items():
        predictions[name] = predict(model, data.dev, data.layout, data.siamese, config.eval.batch_size, device)
        if not np.isfinite(predictions[name]).all():
            # Weights can break in the last update before a rung, which no training loss has seen.
            raise DivergedError(f"the {name} predictions on dev are not finite; a lower learning rate may help")
        labels = data.dev.labels
        assert labels is not None, "dev files without labels are refused when read"
        gold[name] = np.asarray(labels)
    return DevScores(config, predictions, gold)
