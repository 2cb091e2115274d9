"""What a person and a program see of a running study."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from core.run.evaluation import Evaluation
from search.console.progress import JsonLines, LiveProgress, PlainProgress, scores_text
from search.console.state import StudyState
from search.driver.events import (
    DeviceLost,
    Event,
    StudyEnded,
    StudyStarted,
    TrialAdvanced,
    TrialEnded,
    TrialEvaluated,
    TrialRetried,
    TrialStarted,
    WorkerDied,
)


def evaluation(rung: int, overall: float) -> Evaluation:
    scores = {"sst": 0.512, "sts": -0.25}
    return Evaluation(rung, rung + 3, 9, overall, scores, {}, {"sst": 1.2}, 4.0, 61.0)


def ended(number: int, state: str, overall: float, reason: str = "") -> TrialEnded:
    return TrialEnded(number, state, overall, reason, evaluation(600, overall), 75.0, Path("runs/s/trial-0000"))  # type: ignore[arg-type]


EVENTS: list[Event] = [
    StudyStarted("s", 4, 1, (1,), 2, "sqlite:///x", Path("runs/s"), ("sst", "sts")),
    TrialStarted(1, {"optim.learning_rate": 1e-3}, True, 0, 600),
    TrialStarted(2, {"optim.learning_rate": 1e-4}, False, 1, 600, device="cuda:1"),
    TrialAdvanced(2, 150),
    TrialEvaluated(1, evaluation(300, 0.61)),
    TrialEnded(1, "complete", 0.7, "", evaluation(600, 0.7), 80.0, Path("runs/s/trial-0001")),
    WorkerDied(1, 2, -9, True),
    TrialRetried(2, "MemoryError: MemoryError"),
    DeviceLost("cuda:1", 2, "CUDA error: unknown error", 1),
    DeviceLost("cuda:0", 2, "CUDA error: unknown error", 0),
    ended(2, "pruned", 0.5, "below the others at 300 examples"),
]


def test_the_state_counts_and_keeps_the_best() -> None:
    state = StudyState(expected_seconds=100.0)
    assert state.seconds_left is None
    for event in EVENTS[:2]:
        state(event)
    assert state.seconds_left == pytest.approx(100.0 * 3 / 2)  # three of four trials to do, two workers
    for event in EVENTS[2:5]:
        state(event)
    assert state.running[2].examples == 150
    assert state.running[1].evaluation == evaluation(300, 0.61)
    for event in EVENTS[5:]:
        state(event)
    state(ended(3, "failed", 0.9, "diverged"))
    assert state.done == 4
    assert state.running == {}
    assert state.best is not None
    assert state.best.number == 1  # neither a pruned nor a failed trial is the best
    assert sorted(event.state for event in state.ended) == ["complete", "failed", "pruned"]
    assert state.seconds_left == 0.0


def test_the_best_of_an_earlier_run_counts() -> None:
    earlier = ended(0, "complete", 0.8)
    state = StudyState()
    state(StudyStarted("s", 4, 1, (), 1, "", Path("runs/s"), ("sst", "sts"), best=earlier))
    assert state.best == earlier
    state(ended(1, "complete", 0.7))
    assert state.best == earlier
    state(ended(2, "complete", 0.9))
    assert state.best is not None
    assert state.best.number == 2


def test_plain_lines() -> None:
    stream = io.StringIO()
    show = PlainProgress(Console(file=stream, width=60))
    for event in EVENTS:
        show(event)
    assert stream.getvalue().splitlines() == [
        "resuming: 1 of 4 trials have ended, 1 continue",
        "trial   1  at     300 examples  overall 0.6100  sst .512  sts -.250  61 examples/s",
        "trial   1  complete  overall 0.7000  sst .512  sts -.250  80 s",
        "worker 1 was killed by SIGKILL, perhaps out of memory; retrying its trial",
        "trial   2  crashed (MemoryError: MemoryError); retrying",
        "cuda:1 has failed and is used no longer (CUDA error: unknown error); trial 2 continues on another one",
        "cuda:0 has failed and is used no longer (CUDA error: unknown error)",
        "trial   2  pruned    overall 0.5000  sst .512  sts -.250  (below the others at 300 examples)  75 s",
    ]


def test_the_live_display_shows_what_runs_and_the_best() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=True, color_system=None)
    state = StudyState()
    with LiveProgress(console, state) as live:
        for event in EVENTS[:6]:
            live(event)
    shown = stream.getvalue()
    assert "150 / 600 examples (25%)" in shown
    assert "trial 2 on cuda:1  " in shown
    assert "trial 1  " in shown
    assert "best on dev: trial 1  overall 0.7000" in shown
    assert "2/4 trials" in shown
    assert "left" in shown


def test_json_lines_are_json_and_complete() -> None:
    stream = io.StringIO()
    log = JsonLines(stream)
    for event in [*EVENTS, StudyEnded("s", finished=True, counts={"complete": 1})]:
        log(event)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        type(event).__name__ for event in EVENTS if not isinstance(event, TrialAdvanced)
    ] + ["StudyEnded"]
    ended_lines = [line for line in lines if line["event"] == "TrialEnded"]
    assert ended_lines[0]["best"]["scores"] == {"sst": 0.512, "sts": -0.25}
    assert ended_lines[1]["state"] == "pruned"


def test_scores_text() -> None:
    assert scores_text({"a": 1.0, "b": 0.05, "c": -0.5}) == "a 1.000  b .050  c -.500"
