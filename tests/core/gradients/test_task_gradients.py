"""The gradients of an update by task."""

from __future__ import annotations

import pytest
import torch

from core.gradients.task_gradients import TaskGradients, dot_products
from tests.core.gradients.toy_model import Model


def test_dot_products_are_exact_over_many_parameters() -> None:
    generator = torch.Generator().manual_seed(0)
    g, h = ([torch.randn(50, 40, generator=generator) for _ in range(6)] for _ in range(2))
    g[2] = None  # type: ignore[call-overload]
    expected = sum((a.double() * b.double()).sum().item() for a, b in zip(g, h, strict=True) if a is not None)
    norm = sum(b.double().square().sum().item() for b in h)
    assert dot_products([(g, h), (h, h), ([None] * 6, h)]) == pytest.approx([expected, norm, 0.0], rel=1e-5)


def test_taking_gradients_leaves_none_behind() -> None:
    model = Model(2)
    gradients = TaskGradients(model)  # type: ignore[arg-type]
    gradients.add("a", model.loss([[1, 2]]))
    assert model.grads == [None]
    assert list(gradients.take()) == ["a"]
    assert gradients.take() == {}
