"""Events are values that observers may keep, compare and write to a log."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, fields, is_dataclass
from pathlib import Path
from typing import get_args

import pytest

from search.driver import events
from search.driver.events import Event, StudyEnded, StudyStarted, TrialAdvanced, TrialEnded


def test_every_class_of_events_is_one_that_observers_are_declared_to_receive() -> None:
    defined = {one for one in vars(events).values() if is_dataclass(one) and one.__module__ == events.__name__}
    assert set(get_args(Event)) == defined
    assert {one.__name__ for one in defined} | {"Event", "Observer"} == set(events.__all__)


def test_an_observer_cannot_change_an_event_for_the_next_one() -> None:
    for kind in get_args(Event):
        with pytest.raises(FrozenInstanceError):
            setattr(object.__new__(kind), fields(kind)[0].name, None)


def test_what_a_sender_leaves_out() -> None:
    """A trial is feasible and trained, a study has no limit, and counts are not shared between studies."""
    ended = TrialEnded(3, "complete", 0.5, "", None, 1.0, Path())
    assert (ended.feasible, ended.repeat_of, ended.examples) == (True, None, 0)
    started = StudyStarted("s", None, 0, (), 1, "", Path(), ("sst",))
    assert (started.best, started.seconds_left, started.examples_left) == (None, None, None)
    first, second = StudyEnded("a", finished=True), StudyEnded("b", finished=True)
    first.counts["complete"] = 2
    assert second.counts == {}


def test_events_are_written_by_field() -> None:
    line = json.loads(json.dumps(asdict(StudyEnded("s", finished=False, counts={"complete": 2}, reason="time"))))
    assert line == {"study": "s", "finished": False, "counts": {"complete": 2}, "reason": "time"}
    assert TrialAdvanced(1, 20) == TrialAdvanced(1, 20) != TrialAdvanced(1, 21)
