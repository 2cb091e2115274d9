"""Predict whole splits, and score dev from the predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from core.config import RunConfig
from core.frozen_features import FrozenFeatures
from core.inputs.fixed_subset import fixed_subset, stratified_part
from core.inputs.task_data import TaskData, sorted_batches
from core.model.multitask import MultitaskBert
from core.run.errors import DivergedError
from core.run.precision import autocast
from core.statistics import confusion_matrix, overall_score, own_metric, task_metrics
from data.batching import Batch
from data.examples import Examples
from data.rows import RowLayout

__all__ = ["DevScores", "predict", "predict_tasks", "score_dev", "scored_batches"]

_TOKENS_ON_CPU = 2048  # per batch: what a layer computes then stays in the caches, however long the rows are


def scored_batches(
    config: RunConfig, examples: Examples, layout: RowLayout, device: torch.device, swapped: bool = False
) -> Iterator[Batch]:
    """Yield the batches that predictions are made in; see :func:`core.inputs.task_data.sorted_batches`.

    Args:
        config: gives the largest batch.
        examples: examples of one of its tasks.
        layout: how rows are put together.
        device: where to compute; on the CPU, batches of long rows are smaller.
        swapped: put the second sentence of every pair first.
    """
    siamese = config.heads[examples.spec.name].pair == "siamese"
    tokens = _TOKENS_ON_CPU if device.type == "cpu" else None
    return sorted_batches(examples, layout, siamese, config.eval.batch_size, swapped, tokens)


@torch.no_grad()
def predict(
    model: MultitaskBert,
    config: RunConfig,
    examples: Examples,
    layout: RowLayout,
    device: torch.device,
    features: FrozenFeatures | None = None,
) -> np.ndarray:
    """Return class probabilities (N, K) or scores (N,), float32, in the examples' order.

    They are means over both orders of the sentences if the head says so. The model is left in eval mode.

    Args:
        model: on ``device``.
        config: the model's; gives precision and batch size.
        examples: examples of one of its tasks.
        layout: how rows are put together.
        device: where to compute.
        features: outputs of the model's frozen layers; None computes these layers like all others.
    """
    name = examples.spec.name
    return _predict_together(model, config, examples, [name], layout, device, features)[name]


@torch.no_grad()
def predict_tasks(
    model: MultitaskBert,
    config: RunConfig,
    examples: Examples,
    tasks: Sequence[str],
    layout: RowLayout,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Return what :func:`predict` returns for each of several tasks, on the same sentences.

    Tasks that share an encoder, and read rows of the same form, are predicted from one pass of the encoder. Tasks with
    an encoder, layers or adapters of their own have passes of their own. Siamese and cross-encoded pairs have different
    rows. If tasks pool differently, their predictions may differ from those of :func:`predict` in rounding.

    Args:
        model: on ``device``.
        config: the model's; gives precision and batch size.
        examples: examples of one of the tasks, whose sentences all tasks read.
        tasks: names of tasks that read as many sentences per example.
        layout: how rows are put together.
        device: where to compute.
    """
    groups: dict[tuple[int, bool], list[str]] = {}
    for task in tasks:
        groups.setdefault((id(model.encoder(task)), config.heads[task].pair == "siamese"), []).append(task)
    outputs: dict[str, np.ndarray] = {}
    for names in groups.values():
        own = replace(examples, spec=config.tasks[names[0]].spec)
        outputs |= _predict_together(model, config, own, names, layout, device, None)
    return {task: outputs[task] for task in tasks}


def _predict_together(
    model: MultitaskBert,
    config: RunConfig,
    examples: Examples,
    tasks: Sequence[str],
    layout: RowLayout,
    device: torch.device,
    features: FrozenFeatures | None,
) -> dict[str, np.ndarray]:
    """Predict for tasks whose rows are encoded in the same way as those of the examples' own task, one of them."""
    model.eval()
    outputs = _predict_once(model, config, examples, tasks, layout, device, features)
    if both := [task for task in tasks if config.heads[task].pair_order != "given"]:
        swapped = _predict_once(model, config, examples, both, layout, device, features, swapped=True)
        outputs |= {task: np.asarray((outputs[task] + swapped[task]) / 2) for task in both}
    return outputs


def _predict_once(
    model: MultitaskBert,
    config: RunConfig,
    examples: Examples,
    tasks: Sequence[str],
    layout: RowLayout,
    device: torch.device,
    features: FrozenFeatures | None,
    swapped: bool = False,
) -> dict[str, np.ndarray]:
    outputs: dict[str, list[np.ndarray]] = {task: [] for task in tasks}
    positions = []
    with autocast(config.compute, device):  # around all batches: weights are cast once, unless they are frozen
        for batch in scored_batches(config, examples, layout, device, swapped):
            known = batch if features is None else features.look_up(batch)
            for task, predicted in zip(tasks, model.predict_tasks(known.to(device), tasks), strict=True):
                outputs[task].append(predicted.cpu().numpy())
            positions.append(batch.positions.numpy())
    order = np.concatenate(positions)
    return {task: _in_order(np.concatenate(parts), order) for task, parts in outputs.items()}


def _in_order(stacked: np.ndarray, positions: np.ndarray) -> np.ndarray:
    predictions = np.empty_like(stacked)
    predictions[positions] = stacked
    return predictions


class DevScores:
    """Predictions, metrics and scores of every task on dev.

    Args:
        config: the run.
        predictions: per task, on its scored dev examples, as returned by :func:`predict`.
        gold: per task, their labels.
        train_scores: per task, its own metric on some of its training examples; a task may be missing.
        folds: per task, the fold of each example, where each fold was predicted by a model of its own; see
            :func:`core.statistics.task_metrics`. None, for all or a task: the examples are in none.

    Attributes:
        predictions: as given.
        metrics: per task, all its metrics; where there is a training score, also ``train_METRIC``, and
            ``train_dev_gap``, how much worse dev is.
        confusion: per classification task, the number of examples of each gold class (rows) predicted as each class.
        scores: per task, its own metric.
        overall: weighted mean of the normalised scores.
    """

    def __init__(
        self,
        config: RunConfig,
        predictions: dict[str, np.ndarray],
        gold: dict[str, np.ndarray],
        train_scores: Mapping[str, float] | None = None,
        folds: Mapping[str, np.ndarray | None] | None = None,
    ) -> None:
        specs = {name: task.spec for name, task in config.tasks.items()}
        self.predictions = predictions
        self.metrics = {
            name: task_metrics(spec, predictions[name], gold[name], (folds or {}).get(name))
            for name, spec in specs.items()
        }
        self.confusion: dict[str, list[list[int]]] = {
            name: confusion_matrix(predictions[name], gold[name]).tolist()
            for name, spec in specs.items()
            if not spec.kind.is_score
        }
        self.scores = {name: self.metrics[name][spec.metric.name] for name, spec in specs.items()}
        for name, score in (train_scores or {}).items():
            metric = specs[name].metric
            gap = metric.gain(score, self.scores[name])
            self.metrics[name] |= {f"train_{metric.name}": score, "train_dev_gap": gap}
        weights = {name: task.score_weight for name, task in config.tasks.items()}
        self.overall = overall_score(self.scores, specs, weights)


def score_dev(
    model: MultitaskBert,
    config: RunConfig,
    tasks: dict[str, TaskData],
    device: torch.device,
    share: float = 1.0,
    features: FrozenFeatures | None = None,
) -> DevScores:
    """Score all tasks on their dev examples, and on ``config.eval.train_examples`` of their training examples.

    Nothing random is drawn, so training continues as if dev had not been scored.

    Args:
        model: on ``device``.
        config: the model's.
        tasks: the run's examples.
        device: where to compute.
        share: of both kinds of examples, in (0, 1]; see :func:`core.inputs.fixed_subset.stratified_part`.
        features: outputs of the model's frozen layers; see :func:`predict`.

    Raises:
        DivergedError: if a prediction is NaN or infinite.
    """
    predictions, gold, train_scores = {}, {}, {}
    for name, data in tasks.items():
        dev = _part(data.dev, share)
        predictions[name] = _finite_predictions(model, config, dev, "dev", data.layout, device, features)
        gold[name] = _gold(dev)
        if config.eval.train_examples:
            seen = _part(_some_training_examples(data, config.eval.train_examples), share)
            what = "training examples"
            outputs = _finite_predictions(model, config, seen, what, data.layout, device, features)
            train_scores[name] = own_metric(seen.spec, outputs, _gold(seen))
    return DevScores(config, predictions, gold, train_scores)


def _finite_predictions(
    model: MultitaskBert,
    config: RunConfig,
    examples: Examples,
    what: str,
    layout: RowLayout,
    device: torch.device,
    features: FrozenFeatures | None,
) -> np.ndarray:
    outputs = predict(model, config, examples, layout, device, features)
    if not np.isfinite(outputs).all():
        # Weights can break in the last update before a rung, which no training loss has seen.
        name = examples.spec.name
        raise DivergedError(f"the {name} predictions on {what} are not finite; try a lower learning rate")
    return outputs


def _some_training_examples(data: TaskData, count: int) -> Examples:
    """Return the same training examples in every run, drawn independently of those of a ``train_limit``."""
    return data.train.subset(fixed_subset(len(data.train), count, f"train-dev gap of {data.train.spec.name}"))


def _part(examples: Examples, share: float) -> Examples:
    return examples.subset(stratified_part(_gold(examples), share, examples.spec.name))


def _gold(examples: Examples) -> np.ndarray:
    assert examples.labels is not None, "training and dev files without labels are refused when read"
    return np.asarray(examples.labels)
