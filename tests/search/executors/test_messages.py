"""Messages survive a pipe, and a message about no trial says so."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import get_args

import pytest
from stub_study import BASE

from core.run.evaluation import Evaluation
from core.run.precision_choice import PrecisionChoice
from core.run.speed import Speed
from search.executors import messages
from search.executors.messages import Message, Order

EVERY = [
    messages.TrialJob(3, BASE, Path("runs/trial-0003")),
    messages.MeasureJob(BASE),
    messages.CheckJob((BASE, BASE)),
    messages.Decision(go_on=False),
    messages.Interrupt(),
    messages.Ready(),
    messages.Advanced(3, 40),
    messages.Away(3, "no data folder"),
    messages.Warned("slow"),
    messages.Evaluated(3, Evaluation(10, 12, 3, 0.5, {"sst": 0.5}, {}, {}, 1.0, 100.0)),
    messages.Ended(3, "pruned"),
    messages.Crashed(3, "ZeroDivisionError"),
    messages.MachineFault(3, "disk full"),
    messages.DeviceFault(None, "CUDA error: unknown error"),
    messages.DeviceLost("cuda:1", 3, "CUDA error: unknown error", 1),
    messages.Failed(None, "loss is nan"),
    messages.InvalidInput(None, "no such file"),
    messages.Measured(Speed(100.0, 2.0, 3)),
    messages.PrecisionJob(BASE),
    messages.PrecisionChosen(PrecisionChoice("float32", "not measured")),
    messages.Checked(1, "too many layers"),
    messages.Died(0, None, -9),
]


@pytest.mark.parametrize("message", EVERY, ids=lambda message: type(message).__name__)
def test_a_message_survives_a_pipe_and_cannot_be_changed(message: Message | Order) -> None:
    received = pickle.loads(pickle.dumps(message))
    assert received == message
    assert type(received) is type(message)
    with pytest.raises(FrozenInstanceError):
        message.number = 4


def test_every_message_and_order_is_here() -> None:
    """A class that is added to the module belongs to one of the two unions, and to this file."""
    kinds = {*get_args(Message), *get_args(Order)}
    assert kinds == {type(message) for message in EVERY}
    assert {kind.__name__ for kind in kinds} | {"Job", "Message", "Order", "OutcomeName"} == set(messages.__all__)
    assert not set(get_args(Message)) & set(get_args(Order)), "a pipe has one direction for each"


def test_a_check_without_a_reason_has_passed() -> None:
    assert messages.Checked(2).reason == ""
