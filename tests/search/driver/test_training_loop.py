"""What the loop does with trials of the queue and messages of the workers, without a study or a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.trial import TrialState
from stub_study import BASE

from core.run.evaluation import Evaluation
from data.errors import UserError
from search.driver import events
from search.driver.stop_request import StopRequest
from search.driver.training_loop import TrainingLoop
from search.executors import messages
from search.storage.errors import StorageAwayError

POINT = Evaluation(20, 20, 5, 0.5, {"sst": 0.5}, {}, {}, 1.0, 100.0)


class Running:
    """A trial that continues at every rung by default; ``then`` is its state from its first evaluation on."""

    def __init__(self, number: int, *, goes_on: bool = True, known: bool = False, defect: str = "", then: Any = ()):
        self.number, self.config, self.folder, self.resumed = number, BASE, Path(str(number)), False
        self.url, self.best, self.no_winner_because, self.pruned_because, self.revived = (
            None,
            POINT,
            "",
            "behind",
            False,
        )
        self.goes_on, self.known, self.defect, self.then = goes_on, known, defect, then

    def knows(self, _: Evaluation) -> bool:
        return self.known

    def judge(self, _: Evaluation) -> bool:
        self.__dict__.update(self.then)
        return self.goes_on


class Away(Running):
    """A trial whose evaluation cannot be stored."""

    def judge(self, _: Evaluation) -> bool:
        raise StorageAwayError("ours", "gone")


class Calls:
    """Notes every call as a tuple of its name and arguments."""

    def __init__(self, log: list[tuple[Any, ...]], prefix: str = "") -> None:
        self._log, self._prefix = log, prefix

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*arguments: Any, **_: Any) -> None:
            shown = (one.number if isinstance(one, Running) else one for one in arguments)
            self._log.append((self._prefix + name, *shown))

        return call


class Executor(Calls):
    """Has a number of workers, and sends a list of messages at each call of ``events``."""

    workers = 1

    def __init__(self, log: list[tuple[Any, ...]], sent: list[list[messages.Message]]) -> None:
        super().__init__(log)
        self.sent, self.busy = sent, 0
        self.on_decision: Callable[[], None] = lambda: None

    def device(self, worker: int) -> str:  # noqa: ARG002
        return ""

    @property
    def idle(self) -> int:
        return self.workers - self.busy

    def submit(self, job: messages.TrialJob) -> int:
        self.busy += 1
        self._log.append(("submit", job.number))
        return 0

    def decide(self, number: int, go_on: bool) -> None:
        self._log.append(("decide", number, go_on))
        self.on_decision()

    def events(self, _: float | None) -> list[messages.Message]:
        assert self.sent, "the loop waits although nothing will come"
        for message in (batch := self.sent.pop(0)):
            self.busy -= not isinstance(message, messages.Evaluated | messages.Advanced | messages.Away)
        return batch


class Loop:
    """The loop over these trials and messages, and what it did."""

    def __init__(self, trials: list[Running], *sent: list[messages.Message], originals: Any = None) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.events: list[events.Event] = []
        self.interrupts: Any = SimpleNamespace(count=0)
        self.stop = StopRequest(self.interrupts)
        self.executor = Executor(self.log, list(sent))
        waiting = list(trials)
        parts: dict[str, Any] = {
            "space": SimpleNamespace(chosen=lambda _: {"seed": 0}),
            "queue": SimpleNamespace(next=lambda _: waiting.pop(0) if waiting else None, hold=Calls(self.log).hold),
            "duplicates": SimpleNamespace(original=lambda number, _: (originals or {}).get(number)),
            "ended": Calls(self.log),
            "broken": Calls(self.log, "broken."),
            "outages": Calls([]),
            "lease": SimpleNamespace(due_seconds=None, beat=lambda: None),
            "budget": SimpleNamespace(save_time=lambda: None),
        }
        self.loop = TrainingLoop(executor=self.executor, stop=self.stop, notify=self.events.append, **parts)

    def run(self) -> list[tuple[Any, ...]]:
        self.loop.run()
        return [entry for entry in self.log if entry[0] != "broken.count_loss"]


def evaluated(number: int) -> list[messages.Message]:
    return [messages.Evaluated(number, POINT)]


def ended(number: int, outcome: messages.OutcomeName = "finished") -> list[messages.Message]:
    return [messages.Ended(number, outcome)]


def test_trials_are_trained_one_after_the_other() -> None:
    one = Loop([Running(0), Running(1)], evaluated(0), ended(0), ended(1))
    assert one.run() == [
        ("submit", 0),
        ("decide", 0, True),
        ("end", 0, TrialState.COMPLETE, ""),
        ("submit", 1),
        ("end", 1, TrialState.COMPLETE, ""),
    ]
    assert [type(event).__name__ for event in one.events] == ["TrialStarted", "TrialEvaluated", "TrialStarted"]


def test_an_evaluation_that_a_resumed_run_repeats_is_answered_but_not_shown_again() -> None:
    one = Loop([Running(0, known=True, goes_on=False)], evaluated(0), ended(0, "pruned"))
    assert one.run()[1:] == [("decide", 0, False), ("end", 0, TrialState.PRUNED, "behind")]
    assert [type(event).__name__ for event in one.events] == ["TrialStarted"]


@pytest.mark.parametrize(
    ("state", "outcome", "expected"),
    [
        ({"defect": "nan"}, "pruned", ("end", 0, TrialState.FAIL, "nan")),
        ({"best": None}, "finished", ("end", 0, TrialState.FAIL, "the run ended without an evaluation")),
        ({"no_winner_because": "below"}, "finished", ("end", 0, TrialState.COMPLETE, "below")),
        ({}, "interrupted", ("broken.leave_to_next_driver", 0)),
    ],
)
def test_how_a_trial_ends(state: dict[str, Any], outcome: messages.OutcomeName, expected: tuple[Any, ...]) -> None:
    one = Loop([Running(0, then=state)], evaluated(0), ended(0, outcome))
    assert one.run()[-1] == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (messages.Failed(0, "nan"), ("end", 0, TrialState.FAIL, "nan")),
        (messages.InvalidInput(0, "no file"), ("broken.invalid_input", 0, "no file")),
        (messages.MachineFault(0, "full"), ("broken.machine_fault", 0, "full")),
        (messages.Crashed(0, "raised"), ("broken.crashed", 0, "raised")),
        (messages.Died(0, 0, -9), ("broken.worker_died", messages.Died(0, 0, -9), 0)),
    ],
)
def test_who_is_told_of_what_goes_wrong(message: messages.Message, expected: tuple[Any, ...]) -> None:
    assert Loop([Running(0)], [message]).run()[1:] == [expected]


def test_a_duplicate_takes_the_result_or_waits_for_it() -> None:
    done = SimpleNamespace(state=TrialState.COMPLETE)
    running = SimpleNamespace(state=TrialState.RUNNING)
    one = Loop([Running(1), Running(2), Running(3, defect="no such value")], originals={1: done, 2: running})
    assert one.run() == [
        ("end_duplicate", 1, done),
        ("hold", 2),
        ("end", 3, TrialState.FAIL, "no such value"),
    ]


def test_a_stop_interrupts_the_workers_once_and_starts_nothing() -> None:
    one = Loop([Running(0), Running(1)], evaluated(0), ended(0, "interrupted"))
    one.executor.on_decision = lambda: setattr(one.interrupts, "count", 1)  # Ctrl-C
    assert one.run() == [
        ("submit", 0),
        ("decide", 0, True),
        ("interrupt",),
        ("broken.leave_to_next_driver", 0),
    ]


def test_a_second_stop_ends_the_loop_at_once() -> None:
    one = Loop([Running(0)])
    one.interrupts.count = 2
    assert one.run() == []


def test_a_trial_whose_evaluation_cannot_be_stored_gets_no_answer() -> None:
    """Its worker waits with a checkpoint; the study stops with the storage's error."""
    one = Loop([Away(0), Running(1)], evaluated(0))
    assert one.run() == [("submit", 0), ("interrupt",)]
    with pytest.raises(UserError, match="storage ours does not answer: gone"):
        one.stop.raise_error()
