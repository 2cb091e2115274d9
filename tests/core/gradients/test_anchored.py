"""Anchored gradient surgery: closed forms, and the anchor's gradient through a checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.gradients import AnchoredGradients
from core.run.checkpoint import load_checkpoint, save_checkpoint
from tests.core.gradients.toy_model import Model, small, update


def anchored() -> tuple[Model, AnchoredGradients]:
    model = Model(2)
    return model, AnchoredGradients(model, "sst")  # type: ignore[arg-type]


def test_tasks_are_projected_against_the_anchors_last_gradient_by_hand() -> None:
    model, rule = anchored()
    assert update(model, rule, {"para": [-1, 1]}).tolist() == [-1, 1]  # no anchor yet
    assert update(model, rule, {"sst": [2, 0]}).tolist() == [2, 0]
    assert update(model, rule, {"para": [-1, 1]}) == pytest.approx([0, 1])
    assert update(model, rule, {"sts": [-3, 2]}) == pytest.approx([0, 2])  # the anchor lasts
    assert update(model, rule, {"para": [1, 1]}).tolist() == [1, 1]  # no conflict
    assert update(model, rule, {"sst": [0, -1]}).tolist() == [0, -1]  # itself never altered, not by its own last
    assert update(model, rule, {"para": [-1, 1]}) == pytest.approx([-1, 0])  # against the newer one


def test_within_an_update_the_fresh_gradient_of_the_anchor_counts() -> None:
    """It may come first or last. The remembered one, (0, -1), would leave (1, 0)."""
    for tasks in (("sst", "para"), ("para", "sst")):
        model, rule = anchored()
        update(model, rule, {"sst": [0, -1]})
        gradients = {"sst": [2.0, 0.0], "para": [-1.0, 1.0]}
        assert update(model, rule, {task: gradients[task] for task in tasks}) == pytest.approx([2, 1])


def test_each_task_is_projected_by_itself() -> None:
    """The sum (4, 2) of the two does not conflict with (1, 0), but one of them does."""
    model, rule = anchored()
    update(model, rule, {"sst": [1, 0]})
    assert update(model, rule, {"para": [-1, 1], "sts": [5, 1]}) == pytest.approx([5, 2])


def test_the_remembered_gradient_is_the_anchors_own() -> None:
    """The remembered gradient is neither the projected one nor the clipped ``grad``."""
    model, rule = anchored()
    update(model, rule, {"sst": [1, 0], "para": [0, 5]})
    for p in model.encoders.parts:
        p.grad.zero_()
    assert update(model, rule, {"sts": [-1, -1]}) == pytest.approx([0, -1])


def test_an_anchor_of_zeros_changes_nothing() -> None:
    model, rule = anchored()
    update(model, rule, {"sst": [0, 0]})
    assert update(model, rule, {"para": [-1, 1]}).tolist() == [-1, 1]


def test_anchored_parameters_without_a_gradient() -> None:
    """The second parameter is the anchor's only: without conflict it stays None, else it is part of the projection."""
    model = Model(1, 1, 1)
    rule = AnchoredGradients(model, "sst")  # type: ignore[arg-type]
    rule.add("sst", model.loss([[1.0], [1.0], None]))
    rule.combine(0)
    for gradient, expected in ((1.0, [[1.0], None, None]), (-1.0, [[-0.5], [0.5], None])):
        model.drop()
        rule.add("para", model.loss([[gradient], None, None]))
        rule.combine(0)
        assert model.grads == expected


@given(*[st.lists(small, min_size=3, max_size=3)] * 3)
def test_no_update_works_against_the_anchor(anchor: list[float], first: list[float], second: list[float]) -> None:
    model = Model(3)
    rule = AnchoredGradients(model, "sst")  # type: ignore[arg-type]
    update(model, rule, {"sst": anchor})
    assert update(model, rule, {"para": first, "sts": second}) @ np.array(anchor) > -1e-4


def test_the_anchor_survives_a_checkpoint_to_the_bit(tmp_path: Path) -> None:
    model, rule = anchored()
    save_checkpoint(tmp_path / "early.pt", rule.state_dict())
    update(model, rule, {"sst": [0.1, 0.7]})
    save_checkpoint(tmp_path / "late.pt", rule.state_dict())
    expected = update(model, rule, {"para": [-1, 0.1]})
    model, rule = anchored()
    rule.load_state_dict(load_checkpoint(tmp_path / "late.pt"))
    assert np.array_equal(update(model, rule, {"para": [-1, 0.1]}), expected)
    rule.load_state_dict(load_checkpoint(tmp_path / "early.pt"))
    assert update(model, rule, {"para": [-1, 1]}).tolist() == [-1, 1]
