"""Means of training losses, and losses that are not finite."""

from __future__ import annotations

import pytest
import torch

from core.run.errors import DivergedError
from core.run.loss_log import LossLog


def test_means_by_task_since_the_last_rung() -> None:
    log = LossLog()
    for step, (task, loss) in enumerate([("sst", 1.0), ("sts", 0.5), ("sst", 2.0), ("sst", 6.0)]):
        log.add(step, task, torch.tensor(loss))
    log.read()
    assert log.means() == {"sst": 3.0, "sts": 0.5}
    log.clear()
    log.add(4, "sts", torch.tensor(0.25))
    log.read()
    assert log.means() == {"sts": 0.25}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_its_task_and_step(value: float) -> None:
    log = LossLog()
    log.add(6, "sst", torch.tensor(1.0))
    log.add(7, "sts", torch.tensor(value))
    with pytest.raises(DivergedError, match=f"the sts loss was {value} at step 7; try a lower learning rate"):
        log.read()


def test_losses_are_read_in_groups_of_16() -> None:
    """A loss that diverged is noticed at the 16th at the latest, without a read."""
    log = LossLog()
    for step in range(15):
        log.add(step, "sst", torch.tensor(float("inf") if step == 3 else 1.0))
    with pytest.raises(DivergedError, match="at step 3"):
        log.add(15, "sst", torch.tensor(1.0))


def test_a_restored_log_continues() -> None:
    """The state includes losses that had not been read."""
    log, other = LossLog(), LossLog()
    log.add(0, "sst", torch.tensor(1.0))
    other.load_state_dict(log.state_dict())
    other.add(1, "sst", torch.tensor(2.0))
    other.read()
    assert other.means() == {"sst": 1.5}
    assert log.means() == {"sst": 1.0}  # the state is a copy


def test_the_gradient_is_not_kept() -> None:
    log, weight = LossLog(), torch.tensor(2.0, requires_grad=True)
    log.add(0, "sst", weight * 3.0)
    log.read()
    assert log.means() == {"sst": 6.0}
