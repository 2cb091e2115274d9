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
from core.losses import BinaryCrossEntropy, CrossEntropy
from core.losses.class_weights import balanced, given, mean_one
from core.losses.symmetric_kl import symmetric_kl
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def by_hand(z: Tensor, gold: Tensor, weights: np.ndarray, smoothing: float) -> float:
    """mean_i w_{y_i} sum_k t_ik (-log p_ik)."""
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
    """So every example has the same weight in whichever batch it comes."""
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


def test_full_balance_is_scikit_learns() -> None:
    gold = np.array([0] * 5 + [1] * 2 + [2] * 13)
    counts = np.bincount(gold)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=gold)
    assert mean_one(balanced(1.0)(counts), counts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("balance", [0.3, 0.5, 1.0])
def test_weights_have_mean_one_over_the_training_examples(balance: float) -> None:
    counts = np.array([5, 1, 200, 0, 31])
    weights = mean_one(balanced(balance)(counts), counts)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1.0, rel=1e-12)
    # Between the classes: the ratio of the counts, to the power of the balance.
    assert weights[1] / weights[2] == pytest.approx(200**balance, rel=1e-12)
    assert weights[3] == 0  # no such example: no matter


def test_given_weights_are_rescaled_to_the_examples_there_are() -> None:
    counts = np.array([6, 2])
    assert mean_one(given((1.0, 3.0))(counts), counts) == pytest.approx([2 / 3, 2.0])
    assert mean_one(given((10.0, 30.0))(counts), counts) == pytest.approx([2 / 3, 2.0])


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


def test_bce_equals_cross_entropy_on_logits_zero_and_z() -> None:
    z, y = torch.randn(6, 1, dtype=torch.float64), torch.randn(6, 1, dtype=torch.float64)
    gold = torch.tensor([0, 1, 1, 0, 1, 0])
    two = torch.cat([torch.zeros_like(z), z], dim=-1)
    assert torch.allclose(BinaryCrossEntropy().loss(z, gold), CrossEntropy(2).loss(two, gold), rtol=1e-12)
    assert torch.allclose(BinaryCrossEntropy().predict(z), two.softmax(-1), rtol=1e-12)
    others = torch.cat([torch.zeros_like(y), y], dim=-1)
    assert torch.allclose(BinaryCrossEntropy().divergence(z, y), CrossEntropy(2).divergence(two, others), rtol=1e-12)


def test_bce_stays_finite_for_large_logits() -> None:
    z = torch.tensor([[200.0], [-200.0]])
    assert BinaryCrossEntropy().loss(z, torch.tensor([0, 1])).item() == pytest.approx(200.0)
    assert BinaryCrossEntropy().divergence(z, -z).item() == pytest.approx(400.0)


def test_symmetric_kl_is_both_directions() -> None:
    a, b = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    p, q = a.softmax(-1), b.softmax(-1)
    expected = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean()
    assert torch.allclose(symmetric_kl(a, b), expected, rtol=1e-12)
    there = F.kl_div(b.log_softmax(-1), p, reduction="batchmean") + F.kl_div(
        a.log_softmax(-1), q, reduction="batchmean"
    )
    assert torch.allclose(symmetric_kl(a, b), there, rtol=1e-12)


def test_symmetric_kl_of_large_logits() -> None:
    """Logarithms of probabilities that underflow would make it infinite, and its gradient NaN."""
    a = torch.tensor([[500.0, 0.0, 0.0]], requires_grad=True)
    b = torch.tensor([[0.0, 500.0, 0.0]], requires_grad=True)
    value = symmetric_kl(a, b)
    assert value.item() == pytest.approx(1000.0)
    value.backward()  # type: ignore[no-untyped-call]
    assert a.grad is not None
    assert a.grad.isfinite().all()
    assert b.grad is not None
    assert b.grad.isfinite().all()


def test_symmetric_kl_is_never_negative() -> None:
    """Written as a difference of entropies it is, by rounding, for outputs that are almost equal."""
    a = torch.randn(500, 1, 5) * 3
    for size in (1e-7, 1e-6, 1e-5):
        assert all(symmetric_kl(logits, logits + size * torch.randn(1, 5)) >= 0 for logits in a)
