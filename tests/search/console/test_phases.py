"""A study that is trained in phases looks like one that is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from replicating import REPORT, SEEDS, MortalExecutor, spec_of

from search.console.phases import StudyPhases
from search.console.session import StudySession
from search.console.state import StudyState
from search.driver.events import Event, StudyEnded, StudyStarted
from search.finalists.replication import replicate


def started(trials: int, done: int = 0) -> StudyStarted:
    return StudyStarted("s", trials, done, (), 1, "", Path(), ("sst",))


class Shown:
    """The events that observers received, and whether they are open."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.log: list[str] = []

    @contextmanager
    def __call__(self, state: StudyState) -> Iterator[list[Any]]:
        self.log.append("open")
        yield [self.events.append, state]
        self.log.append("closed")


def test_phases_begin_and_end_once() -> None:
    shown = Shown()
    with StudyPhases(shown) as phases:
        assert shown.log == []
        for later, trials, done in ((3, 6, 2), (1, 8, 6), (0, 9, 8)):
            phases.begin(later)
            phases(started(trials, done))
            phases(StudyEnded("s", finished=True, reason=f"{trials}"))
        assert shown.log == ["open"]
    assert shown.log == ["open", "closed"]
    assert shown.events == [started(9, 2), StudyEnded("s", finished=True, reason="9")]
    assert phases.state.done == 2


def test_an_interrupt_ends_them_in_any_round() -> None:
    shown = Shown()
    with StudyPhases(shown) as phases:
        phases.begin(3)
        phases(started(6))
        phases(StudyEnded("s", finished=False))
    assert shown.events == [started(9), StudyEnded("s", finished=False)]


def test_json_lines_of_a_replication(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All runs count at the beginning, as nobody knows who will be dropped; later only those that are to come."""

    def lines(root: Path) -> list[dict[str, Any]]:
        run = StudySession(root, quiet=True, json=True, make_executor=lambda *_: MortalExecutor())
        replicate(run, spec_of(), REPORT, lambda _: ["poor"])
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    events = lines(tmp_path)
    names = [event["event"] for event in events]
    assert names[0] == "StudyStarted"
    assert names[-1] == "StudyEnded"
    assert [names.count(name) for name in ("StudyStarted", "StudyEnded", "TrialEnded")] == [1, 1, 8]
    assert (events[0]["trials"], events[0]["done"]) == (3 * len(SEEDS), 0)
    assert (events[-1]["finished"], events[-1]["counts"]["complete"]) == (True, 8)
    again = lines(tmp_path)
    assert [event["event"] for event in again] == ["StudyStarted", "StudyEnded"]
    assert (again[0]["trials"], again[0]["done"]) == (8, 8)
