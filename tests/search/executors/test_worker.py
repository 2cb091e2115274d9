"""What a worker reports of a run, and how it hears of a decision, an interrupt or the end of its driver."""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stub_study import BASE, STUB
from stub_training import RunOutcome

from core.run.errors import DivergedError
from core.run.evaluation import Evaluation
from data.errors import MachineError, UserError
from search.executors import messages, worker
from search.trials.folders import ERROR

RUNGS = BASE.rungs


class Inbox:
    """An inbox without a thread, whose decisions are known before."""

    def __init__(self, *decisions: bool | None) -> None:
        left = list(decisions)
        self.decisions = SimpleNamespace(get=lambda: left.pop(0))
        self.stop, self.stepping = threading.Event(), False


def evaluation(rung: int) -> Evaluation:
    return Evaluation(rung, rung, 0, 0.5, {"sst": 0.5}, {}, {}, 1.0, 100.0)


def reporting(connection: Connection, inbox: Any) -> worker._Reporter:
    return worker._Reporter(messages.TrialJob(3, BASE, Path()), connection, inbox)


@pytest.fixture
def pipe() -> tuple[Connection, Connection]:
    return Pipe()


@pytest.fixture
def made(tmp_path: Path, pipe: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a worker of the stub's code, in this process and without a thread."""
    monkeypatch.setattr(worker, "_Inbox", lambda _: SimpleNamespace(start=lambda: None, stop=threading.Event()))
    return worker._Worker(pipe[0], tmp_path, STUB, is_pinned=False)


def answer_to(made: Any, train: Callable[..., Any], folder: Path) -> messages.Message:
    made._train = train
    message: messages.Message = made._answer(messages.TrialJob(3, BASE, folder))
    return message


def raising(error: BaseException) -> Callable[..., Any]:
    def train(*_: object) -> None:
        raise error

    return train


def test_a_trial_that_ends(made: Any, tmp_path: Path) -> None:
    for outcome in RunOutcome:
        ended = answer_to(made, lambda *_, outcome=outcome: outcome, tmp_path / "trial")
        assert ended == messages.Ended(3, outcome.value)
    assert (tmp_path / "trial").is_dir()
    assert not (tmp_path / "trial" / ERROR).exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MachineError("disk\nfull"), messages.MachineFault(3, "disk full")),
        (UserError("no such\nfile"), messages.InvalidInput(3, "no such file")),
        (DivergedError("loss is nan"), messages.Failed(3, "loss is nan")),
        (worker._InterruptedError(), messages.Ended(3, "interrupted")),
        (ZeroDivisionError("no\nreason"), messages.Crashed(3, "ZeroDivisionError: no reason")),
    ],
)
def test_an_error_becomes_a_message_of_one_line(
    made: Any, tmp_path: Path, error: BaseException, expected: messages.Message
) -> None:
    assert answer_to(made, raising(error), tmp_path) == expected
    crashed = isinstance(expected, messages.Crashed)
    assert (tmp_path / ERROR).exists() == crashed
    if crashed:
        assert "Traceback" in (tmp_path / ERROR).read_text()


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA error: unknown error"), MachineError("device 'cuda' is not available on this machine")]
)
def test_only_a_pinned_worker_reports_a_failed_device(made: Any, tmp_path: Path, error: Exception) -> None:
    assert not isinstance(answer_to(made, raising(error), tmp_path), messages.DeviceFault)
    made._is_pinned = True
    assert answer_to(made, raising(error), tmp_path) == messages.DeviceFault(3, str(error))
    made._measure = raising(error)
    assert made._answer(messages.MeasureJob(BASE)) == messages.DeviceFault(None, str(error))
    assert answer_to(made, raising(ZeroDivisionError("no")), tmp_path) == messages.Crashed(3, "ZeroDivisionError: no")


def test_a_check_names_the_first_configuration_that_is_refused(made: Any) -> None:
    def encoder(config: Any) -> None:
        if config.seed == 2:
            raise UserError("too many\nlayers")

    made._resources = SimpleNamespace(encoder=encoder)
    configs = tuple(BASE.model_copy(update={"seed": seed}) for seed in (0, 1, 2, 3))
    assert made._answer(messages.CheckJob(configs)) == messages.Checked(2, "too many layers")
    assert made._answer(messages.CheckJob(configs[:2])) == messages.Checked(2)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("no file"), messages.InvalidInput(None, "no file")),
        (FileNotFoundError(2, "No such file", "a.csv"), messages.InvalidInput(None, "'a.csv': No such file")),
        (ZeroDivisionError("no reason"), messages.Failed(None, "ZeroDivisionError: no reason")),
    ],
)
def test_a_measurement_that_fails_belongs_to_no_trial(made: Any, error: Exception, expected: messages.Message) -> None:
    made._measure = raising(error)
    assert made._answer(messages.MeasureJob(BASE)) == expected


def test_a_rung_is_reported_and_the_decision_is_returned(pipe: tuple[Connection, Connection]) -> None:
    inbox = Inbox(True, False)
    reporter = reporting(pipe[0], inbox)
    assert reporter.evaluated(evaluation(RUNGS[0]))
    assert not reporter.evaluated(evaluation(RUNGS[1]))
    assert inbox.stepping
    assert [pipe[1].recv() for _ in range(2)] == [messages.Evaluated(3, evaluation(rung)) for rung in RUNGS[:2]]


def test_a_run_that_is_to_stop_stops_at_a_rung_but_the_last(pipe: tuple[Connection, Connection]) -> None:
    """A run that passed its last rung is finished, not interrupted; one that is pruned ends as such."""
    inbox = Inbox(True, True, False, None)
    reporter = reporting(pipe[0], inbox)
    inbox.stop.set()
    with pytest.raises(worker._InterruptedError):
        reporter.evaluated(evaluation(RUNGS[0]))
    assert reporter.evaluated(evaluation(RUNGS[-1]))
    assert not reporter.evaluated(evaluation(RUNGS[0]))
    with pytest.raises(worker._DriverGoneError):
        reporter.evaluated(evaluation(RUNGS[0]))


def test_steps_are_reported_about_once_a_second(
    pipe: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, now = Inbox(), [0.0]
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: now[0]))
    reporter = reporting(pipe[0], inbox)
    for step in range(1, 6):  # at 0, 0.6, 1.2, 1.8 and 2.4 seconds
        assert reporter.stepped(4 * step)
        now[0] += 0.6
    reported = [pipe[1].recv() for _ in range(3)]
    assert reported == [messages.Advanced(3, 4), messages.Advanced(3, 12), messages.Advanced(3, 20)]
    assert not pipe[1].poll()
    inbox.stop.set()
    assert not reporter.stepped(24)


def test_a_driver_that_is_gone_stops_the_run(pipe: tuple[Connection, Connection]) -> None:
    inbox = Inbox()
    reporter = reporting(pipe[0], inbox)
    pipe[1].close()
    assert not reporter.stepped(4)
    assert inbox.stop.is_set()


def test_the_inbox_sorts_what_the_driver_sends(
    pipe: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(worker, "os", SimpleNamespace(_exit=exits.append))
    inbox = worker._Inbox(pipe[0])
    job = messages.MeasureJob(BASE)
    for order in (job, messages.Decision(go_on=True), messages.Decision(go_on=False), messages.Interrupt()):
        pipe[1].send(order)
    pipe[1].close()
    inbox.run()  # in this thread, until the end of the pipe
    assert inbox.stop.is_set()
    assert [inbox.jobs.get_nowait(), inbox.jobs.get_nowait()] == [job, None]
    assert [inbox.decisions.get_nowait() for _ in range(3)] == [True, False, None]
    assert exits == [1]


def test_a_warning_is_sent_in_one_line_from_the_main_thread_only(pipe: tuple[Connection, Connection]) -> None:
    send = worker._WarningSender(pipe[0])
    send(UserWarning("two\n  lines"), UserWarning, "file.py", 3)
    other = threading.Thread(target=send, args=("from a thread",))
    other.start()
    other.join()
    assert pipe[1].recv() == messages.Warned("two lines")
    assert not pipe[1].poll()
