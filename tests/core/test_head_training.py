"""Heads and losses in real runs: each does what it is there for, and is exported and resumed like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.config import RunConfig
from core.inputs.resources import Resources
from core.inputs.task_data import TaskData
from core.model.multitask import MultitaskBert
from core.model_files.model_folder import TrainedModel, load_model_folder, save_model_folder
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, TrainingRun, train
from data.batching import Batch
from data.examples import Examples
from data.rows import assemble

MakeConfig = Callable[..., RunConfig]


@dataclass(frozen=True)
class Trained:
    """A run at its end, with its predictions on train before and after, and on dev."""

    run: TrainingRun
    before: np.ndarray
    after: np.ndarray
    gold: np.ndarray
    dev_before: np.ndarray
    dev_after: np.ndarray
    dev_gold: np.ndarray


@pytest.fixture(scope="module")
def trained(
    small_config: MakeConfig, resources: Resources, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Trained]:
    """Train one task with this head, without dropout; the same arguments give the same run."""
    torch.set_num_threads(1)

    @cache
    def make(task: str, examples: int = 2000, **head: Any) -> Trained:
        config = small_config(
            (task,),
            heads={task: {"pair": "siamese", "pooling": "mean", "dropout": 0.0, "dropout_hidden": 0.0, **head}},
            model={"dropout": 0.0, "attention_dropout": 0.0},
            optim={"learning_rate": 5e-3},
            budget={"examples": examples, "batch_size": 20},
            eval={"rungs": 1},
        )
        run = TrainingRun(config, RunFolder(tmp_path_factory.mktemp(task)), resources)
        data = run.tasks[task]
        train, dev = everything(data, data.train), everything(data, data.dev)
        before = predictions(run.model, train), predictions(run.model, dev)
        while not run.at_rung:
            run.step()
        after = predictions(run.model, train), predictions(run.model, dev)
        assert train.labels is not None
        assert dev.labels is not None
        return Trained(run, before[0], after[0], train.labels.numpy(), before[1], after[1], dev.labels.numpy())

    return make


def everything(data: TaskData, examples: Examples) -> Batch:
    return assemble(examples, np.arange(len(examples)), data.layout, data.siamese)


@torch.no_grad()
def predictions(model: MultitaskBert, batch: Batch) -> np.ndarray:
    return np.asarray(model.eval().predict(batch).numpy())


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


COS: dict[str, Any] = {"combine": "cos"}
SCORE_HEADS: dict[str, dict[str, Any]] = {
    "cosine": COS,
    "relu of the cosine after side layers": {**COS, "side_layers": 2, "output": "relu-cos"},
    "score classes": {"output": "classes"},
    "score classes by argmax": {"output": "classes", "score_from": "argmax"},
    "Pearson loss": {"loss": "pearson"},
    "CoSENT on cosines": {**COS, "loss": "cosent"},
    "squared error and Pearson loss": {"auxiliary_loss": "pearson"},
    "side layers and an MLP": {"side_layers": 1, "layers": 2},
}


@pytest.mark.parametrize("name", list(SCORE_HEADS))
def test_every_head_of_a_score_learns(trained: Callable[..., Trained], name: str) -> None:
    result = trained("sts", **SCORE_HEADS[name])
    assert pearson(result.after, result.gold) > max(0.6, pearson(result.before, result.gold) + 0.4)


def test_the_pearson_loss_raises_the_correlation_on_dev(trained: Callable[..., Trained]) -> None:
    """By the metric itself, and without regard to the scores' size."""
    result = trained("sts", loss="pearson")
    assert pearson(result.dev_after, result.dev_gold) > pearson(result.dev_before, result.dev_gold) + 0.5
    squared = trained("sts")
    assert pearson(result.after, result.gold) > pearson(squared.after, squared.gold)
    assert np.square(result.after - result.gold).mean() > np.square(squared.after - squared.gold).mean()


def test_an_auxiliary_squared_error_gives_the_pearson_loss_its_scale(trained: Callable[..., Trained]) -> None:
    alone = trained("sts", loss="pearson")
    both = trained("sts", loss="pearson", auxiliary_loss="mse")
    assert pearson(both.after, both.gold) > 0.75
    assert np.square(both.after - both.gold).mean() < 0.5 * np.square(alone.after - alone.gold).mean()


def test_cosines_learn_to_tell_duplicates(trained: Callable[..., Trained]) -> None:
    result = trained("para", **COS, side_layers=1)
    accuracy = (result.after.argmax(1) == result.gold).mean()
    assert accuracy > 0.75
    assert accuracy > (result.before.argmax(1) == result.gold).mean() + 0.2


def test_smoothed_labels_give_less_certain_predictions(trained: Callable[..., Trained]) -> None:
    plain, smoothed = trained("para").after.max(axis=1), trained("para", label_smoothing=0.6).after.max(axis=1)
    assert plain.mean() > smoothed.mean() + 0.05
    assert plain.max() > smoothed.max() + 0.05


def test_weights_move_predictions_to_their_class(trained: Callable[..., Trained]) -> None:
    shares = [trained("para", 600, class_weights=w).after[:, 1].mean() for w in ((4.0, 1.0), (1.0, 4.0))]
    assert shares[1] > shares[0] + 0.3


# Heads with special state: no weights at all, and weights by class that are counted again.
SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    "no weights": ("sts", {"pair": "siamese", "combine": "cos", "loss": "pearson"}),
    "side layers": ("para", {"pair": "siamese", "combine": "cos", "side_layers": 2}),
    "weights by class": ("sts", {"output": "classes", "class_balance": 1.0}),
}


@pytest.mark.parametrize("name", list(SAVED))
def test_a_resumed_run_and_an_exported_model_give_the_same_bits(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, name: str
) -> None:
    task, head = SAVED[name]
    config = small_config((task,), heads={task: head}, budget={"examples": 120, "batch_size": 20})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(config, whole, resources, NullRunObserver()) == RunOutcome.FINISHED
    run = TrainingRun(config, RunFolder(broken), resources)
    run.resume()
    run.step()
    assert not run.at_rung
    run.save()
    assert train(config, broken, resources, NullRunObserver()) == RunOutcome.FINISHED
    weights = [load_file(folder / "best" / "model.safetensors") for folder in (whole, broken)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])

    run.model.load_state_dict(weights[0])
    save_model_folder(tmp_path / "model", TrainedModel(run.model, config, resources.encoder(config).tokenizer), {})
    loaded = load_model_folder(tmp_path / "model")
    data = run.tasks[task]
    dev = everything(data, data.dev)
    assert np.array_equal(predictions(loaded.model, dev), predictions(run.model, dev))
