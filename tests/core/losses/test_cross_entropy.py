"""Cross-entropy, its weights by class and its smoothed labels, against float64 formulas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.losses import CrossEntropy
from core.losses.class_weights import balanced, given
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def by_hand(z: Tensor, gold: Tensor, weights: np.ndarray, smoothing: float) -> float:
    """Compute mean_i w_{y_i} sum_k t_ik (-log p_ik)."""
    total = 0.0
    for row, label in zip(z.numpy(), gold.tolist(), strict=True):
        log_p = row - np.log(np.exp(row).sum())
        target = np.full(len(row), smoothing / len(row))
        target[label] += 1 - smoothing
        total += weights[label] * -(target * log_p).sum()
    return total / len(gold)


def test_cross_entropy() -> None:
    outputs, gold = torch.randn(7, 5, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 4, 0, 1])
    loss = CrossEntropy(5)
    assert loss.loss(outputs, gold).item() == pytest.approx(by_hand(outputs, gold, np.ones(5), 0.0), rel=1e-12)
    assert torch.allclose(loss.predict(outputs).sum(-1), torch.ones(7, dtype=torch.float64))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.0, 0.5)])
def test_smoothing_and_weights_together(smoothing: float, weights: tuple[float, ...] | None) -> None:
    """PyTorch's own mixture of the two weighs each smoothed term by *its* class, which is another loss."""
    outputs, gold = torch.randn(9, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 3, 3, 0, 1, 3])
    loss = CrossEntropy(4, smoothing, given(weights) if weights else None)
    loss.prepare(gold.numpy())
    scaled = np.ones(4)
    if weights:
        scaled = np.asarray(weights) / np.asarray(weights)[gold.numpy()].mean()
    assert loss.loss(outputs, gold).item() == pytest.approx(by_hand(outputs, gold, scaled, smoothing), rel=1e-12)


def test_smoothing_alone_is_pytorchs() -> None:
    outputs, gold = torch.randn(9, 4, dtype=torch.float64), torch.arange(9) % 4
    expected = F.cross_entropy(outputs, gold, label_smoothing=0.3)
    assert torch.allclose(CrossEntropy(4, 0.3).loss(outputs, gold), expected, rtol=1e-12)


def test_a_batch_of_one_class_is_weighted_too() -> None:
    """Divided by the batch's sum of weights, as PyTorch does, it would not be."""
    training = np.array([0] * 9 + [1])
    loss = CrossEntropy(2, weighting=balanced(1.0))
    loss.prepare(training)
    outputs = torch.randn(4, 2, dtype=torch.float64)
    for label, weight in ((0, 10 / 18), (1, 5.0)):
        gold = torch.full((4,), label)
        plain = F.cross_entropy(outputs, gold)
        assert torch.allclose(loss.loss(outputs, gold), weight * plain, rtol=1e-12)
        assert not torch.allclose(loss.loss(outputs, gold), plain)


def test_batches_of_an_epoch_add_up_to_the_weighted_loss_of_all_examples() -> None:
    """Every example has the same weight in any batch."""
    gold = torch.tensor([0, 0, 0, 0, 0, 1, 0, 2])
    outputs = torch.randn(8, 3, dtype=torch.float64)
    loss = CrossEntropy(3, 0.1, balanced(1.0))
    loss.prepare(gold.numpy())
    batches = [loss.loss(outputs[i : i + 2], gold[i : i + 2]) for i in range(0, 8, 2)]
    assert torch.allclose(torch.stack(batches).mean(), loss.loss(outputs, gold), rtol=1e-12)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_what_a_model_that_knows_the_labels_shares_only_learns(balance: float, smoothing: float) -> None:
    """It says the shares w_k n_k / N, smoothed: those of the training data, or even ones under full balance."""
    gold = torch.tensor([0] * 6 + [1] * 3 + [2])
    loss = CrossEntropy(3, smoothing, balanced(balance) if balance else None)
    loss.prepare(gold.numpy())
    shares = torch.tensor([6.0, 3.0, 1.0], dtype=torch.float64) ** (1 - balance)
    best = (1 - smoothing) * shares / shares.sum() + smoothing / 3
    logits = best.log().requires_grad_()
    (gradient,) = torch.autograd.grad(loss.loss(logits.expand(10, 3), gold), logits)
    assert gradient.abs().max() < 1e-12


def test_weights_that_leave_no_example_are_refused() -> None:
    loss = CrossEntropy(3, weighting=given((0.0, 0.0, 1.0)))
    with pytest.raises(UserError, match=r"class_weights = \[0\.0, 0\.0, 1\.0\]: every class that occurs"):
        loss.prepare(np.array([0, 1, 1]))


def test_a_run_weighs_classes_by_its_training_examples(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """N / (K n_k) of train. Wrong: of dev, where the classes have other shares."""
    config = small_config(("sst",), heads={"sst": {"class_balance": 1.0}})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    expected = {}
    for split in ("train", "dev"):
        labels = getattr(run.tasks["sst"], split).labels
        expected[split] = compute_class_weight("balanced", classes=np.arange(5), y=np.asarray(labels))
    assert np.abs(expected["train"] - expected["dev"]).max() > 0.05
    loss, outputs = run.model.losses["sst"], torch.zeros(1, 5, dtype=torch.float64)  # of loss ln 5 for every class
    weights = [loss.loss(outputs, torch.tensor([label])).item() / np.log(5) for label in range(5)]
    assert weights == pytest.approx(expected["train"], rel=1e-9)


def test_weights_before_their_counts_are_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="prepare"):
        CrossEntropy(2, weighting=balanced(0.5)).loss(torch.zeros(1, 2), torch.tensor([0]))
