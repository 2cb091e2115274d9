"""What all task losses have in common, and which one a head gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.config import HeadConfig
from core.losses import (
    BinaryCrossEntropy,
    CosineEmbedding,
    CrossEntropy,
    ScoreClasses,
    ScoreLoss,
    TaskLoss,
    make_loss,
)
from core.losses.cosent import CoSent
from core.losses.mse import mean_squared_error
from core.losses.pearson import negative_correlation
from core.losses.score_reading import read_as
from data.task_files import builtin_tasks

COS: dict[str, Any] = {"pair": "siamese", "combine": "cos"}
# Every loss there is: task, head.
LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "cross-entropy": ("sst", {}),
    "smoothed": ("sst", {"label_smoothing": 0.2}),
    "balanced": ("sst", {"class_balance": 0.5}),
    "weighted": ("sst", {"class_weights": (1, 2, 3, 4, 5)}),
    "bce": ("para", {"loss": "bce"}),
    "cosine-embedding": ("para", COS),
    "mse of sigmoid": ("sts", {}),
    "mse of cos": ("sts", COS),
    "mse of relu-cos": ("sts", {**COS, "output": "relu-cos"}),
    "mse of raw-cos": ("sts", {**COS, "output": "raw-cos"}),
    "mse of linear": ("sts", {"output": "linear"}),
    "bce of a score": ("sts", {"loss": "bce"}),
    "pearson": ("sts", {"loss": "pearson"}),
    "cosent": ("sts", {**COS, "loss": "cosent"}),
    "mse and pearson": ("sts", {"auxiliary_loss": "pearson", "auxiliary_weight": 0.3}),
    "pearson and cosent": ("sts", {"loss": "pearson", "auxiliary_loss": "cosent"}),
    "score classes": ("sts", {"output": "classes"}),
    "score classes with squared divergence": ("sts", {"output": "classes", "divergence": "squared-error"}),
    "score classes by argmax": ("sts", {"output": "classes", "score_from": "argmax", "class_balance": 1.0}),
}
SIZE = 12


@pytest.fixture(params=list(LOSSES))
def case(request: pytest.FixtureRequest) -> tuple[TaskLoss, Tensor, Tensor]:
    """Return a loss, outputs (B, C) that ask for a gradient, and gold (B,)."""
    torch.manual_seed(3)
    task, head = LOSSES[request.param]
    spec = builtin_tasks()[task]
    loss = make_loss(HeadConfig.model_validate(head), spec)
    gold = torch.rand(SIZE) * 5 if spec.kind.is_score else torch.arange(SIZE) % len(spec.classes)
    loss.prepare(gold.numpy())
    outputs = torch.randn(SIZE, loss.outputs)
    if head.get("combine") == "cos":
        outputs = outputs.tanh()
    return loss, outputs.requires_grad_(), gold


def other(outputs: Tensor) -> Tensor:
    return (outputs.detach() * 0.7 - 0.1).requires_grad_()


def test_a_loss_is_one_number_with_a_gradient_for_every_example(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    loss, outputs, gold = case
    value = loss.loss(outputs, gold)
    assert value.shape == ()
    value.backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    assert outputs.grad.any()


def test_a_small_step_down_the_gradient_lowers_the_loss(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    loss, outputs, gold = case
    value = loss.loss(outputs, gold)
    (gradient,) = torch.autograd.grad(value, outputs)
    assert loss.loss(outputs - 1e-2 * gradient / gradient.norm(), gold) < value


def test_predictions_have_the_shape_of_their_task(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    loss, outputs, gold = case
    predicted = loss.predict(outputs)
    if gold.dtype == torch.int64:
        assert predicted.shape == (SIZE, int(gold.max()) + 1)
        assert torch.allclose(predicted.sum(-1), torch.ones(SIZE))
        assert (predicted >= 0).all()
    else:
        assert predicted.shape == (SIZE,)
        assert ((predicted >= 0) & (predicted <= 5)).all()


@pytest.mark.parametrize("name", list(LOSSES))
def test_predictions_need_no_preparation(name: str) -> None:
    """Export and predict build the model without training labels."""
    task, head = LOSSES[name]
    loss = make_loss(HeadConfig.model_validate(head), builtin_tasks()[task])
    assert loss.predict(torch.zeros(3, loss.outputs)).isfinite().all()
    assert loss.divergence(torch.zeros(3, loss.outputs), torch.zeros(3, loss.outputs)) == 0


def test_equal_outputs_do_not_diverge(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    loss, outputs, _ = case
    assert loss.divergence(outputs, outputs.detach().clone()).item() == 0.0


def test_divergence_is_symmetric_and_positive_and_has_both_gradients(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    loss, outputs, _ = case
    others = other(outputs)
    value = loss.divergence(outputs, others)
    assert value.shape == ()
    assert value > 0
    assert torch.equal(value, loss.divergence(others, outputs))
    for gradient in torch.autograd.grad(value, [outputs, others]):
        assert gradient.isfinite().all()
        assert gradient.any()


def test_divergence_is_a_mean_over_the_batch(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    """A sum would give a regulariser another strength at every batch size."""
    loss, outputs, _ = case
    others = other(outputs)
    twice = loss.divergence(torch.cat([outputs, outputs]), torch.cat([others, others]))
    assert torch.allclose(twice, loss.divergence(outputs, others), rtol=1e-5)


def test_autocast_changes_nothing(case: tuple[TaskLoss, Tensor, Tensor]) -> None:
    """Losses are computed inside the autocast context; a matrix product among them would be one in bfloat16."""
    loss, outputs, gold = case
    others = other(outputs)
    plain = (loss.loss(outputs, gold), loss.predict(outputs), loss.divergence(outputs, others))
    with torch.autocast("cpu", torch.bfloat16):
        cast = (loss.loss(outputs, gold), loss.predict(outputs), loss.divergence(outputs, others))
    assert all(torch.equal(a, b) for a, b in zip(plain, cast, strict=True))


def test_the_kind_of_task_decides_when_the_head_does_not() -> None:
    specs = builtin_tasks()
    assert make_loss(HeadConfig(), specs["sst"]).outputs == 5
    assert isinstance(make_loss(HeadConfig(), specs["sts"]), ScoreLoss)
    assert isinstance(make_loss(HeadConfig(), specs["para"]), CrossEntropy)
    assert isinstance(make_loss(HeadConfig(loss="bce"), specs["para"]), BinaryCrossEntropy)
    assert isinstance(make_loss(HeadConfig.model_validate(COS), specs["para"]), CosineEmbedding)
    assert isinstance(make_loss(HeadConfig(output="classes"), specs["sts"]), ScoreClasses)
    assert make_loss(HeadConfig(output="classes"), specs["sts"]).outputs == 6
    assert make_loss(HeadConfig(output="classes", score_classes=26), specs["sts"]).outputs == 26


@pytest.mark.parametrize(
    ("loss", "criterion"), [("mse", mean_squared_error), ("pearson", negative_correlation), ("cosent", CoSent(7.0))]
)
@pytest.mark.parametrize("output", ["cos", "relu-cos", "raw-cos", "sigmoid", "linear"])
def test_a_score_head_gets_the_reading_and_the_criterion_it_names(output: str, loss: str, criterion: Any) -> None:
    combine = {} if output in ("sigmoid", "linear") else COS
    head = HeadConfig.model_validate({**combine, "output": output, "loss": loss, "cosent_scale": 7.0})
    spec = builtin_tasks()["sts"]
    torch.manual_seed(1)
    outputs, gold = torch.randn(9, 1).tanh(), torch.rand(9) * 5
    assert torch.equal(make_loss(head, spec).loss(outputs, gold), criterion(read_as(output, 0, 5), outputs, gold))


def test_every_loss_of_a_head_reaches_the_numbers_it_is_given() -> None:
    """Settings that build but are not passed on would be searched over in vain."""
    specs = builtin_tasks()
    torch.manual_seed(2)
    gold = torch.tensor([0, 1, 1, 0, 1, 1])

    def value(task: str, gold: Tensor, **head: Any) -> float:
        loss = make_loss(HeadConfig.model_validate(head), specs[task])
        loss.prepare(gold.numpy())
        outputs = torch.randn(6, loss.outputs, generator=torch.Generator().manual_seed(4)).tanh()
        return loss.loss(outputs, gold).item()

    plain = value("para", gold)
    assert value("para", gold, label_smoothing=0.3) != pytest.approx(plain)
    assert value("para", gold, class_balance=1.0) != pytest.approx(plain)
    assert value("para", gold, class_weights=(1.0, 3.0)) != pytest.approx(plain)
    assert value("para", gold, **COS) != pytest.approx(value("para", gold, **COS, cosine_margin=-0.5))
    scores = torch.rand(6) * 5
    mse = value("sts", scores)
    pearson = value("sts", scores, loss="pearson")
    both = value("sts", scores, auxiliary_loss="pearson", auxiliary_weight=0.25)
    assert both == pytest.approx(mse + 0.25 * pearson, rel=1e-6)
    threshold = make_loss(HeadConfig.model_validate({**COS, "cosine_threshold": 0.9}), specs["para"])
    assert np.argmax(threshold.predict(torch.tensor([[0.8]])).numpy()) == 0
