"""What is the machine's fault, and how long a run waits for an input."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

import pytest

from data.errors import MachineError, UnavailableError, UserError
from search.executors import patience
from search.executors.patience import Patience, machine_fault


class Stopped(BaseException):
    """Raised when the run is asked to end while it waits."""


def raising(*errors: Exception) -> Callable[[], str]:
    """Return a run that raises these errors, one at each call, and then ends."""
    left = list(errors)

    def run() -> str:
        if left:
            raise left.pop(0)
        return "finished"

    return run


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.csv"), "'a.csv': No such file or directory"),
        (PermissionError(errno.EACCES, "Permission denied", "a.csv"), "'a.csv': Permission denied"),
        (OSError(errno.EIO, "Input/output error"), "[Errno 5] Input/output error"),
        (OSError(errno.ESTALE, "Stale file handle"), f"[Errno {errno.ESTALE}] Stale file handle"),
        (UnavailableError("no data folder"), "no data folder"),
    ],
)
def test_what_may_be_back_in_a_moment(error: Exception, expected: str) -> None:
    fault = machine_fault(error)
    assert isinstance(fault, UnavailableError)
    assert str(fault) == expected


def test_what_is_the_machines_fault_or_the_runs() -> None:
    full = machine_fault(OSError(errno.ENOSPC, "No space left on device", "a.csv"))
    assert isinstance(full, MachineError)
    assert not isinstance(full, UnavailableError)
    for error in (UserError("a setting"), ZeroDivisionError(), OSError(errno.ENOMEM, "Cannot allocate memory")):
        assert machine_fault(error) is None


def test_a_run_is_repeated_until_its_input_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    away: list[str] = []
    waiting = Patience(threading.Event(), away.append)
    assert waiting.call(raising(UnavailableError("a"), OSError(errno.EIO, "b")), Stopped) == "finished"
    assert away == ["a", "[Errno 5] b"]


def test_other_errors_are_not_waited_for() -> None:
    waiting = Patience(threading.Event(), pytest.fail)
    for error in (UserError("a setting"), ZeroDivisionError()):
        with pytest.raises(type(error)):
            waiting.call(raising(error), Stopped)
    with pytest.raises(MachineError, match="No space left"):
        waiting.call(raising(OSError(errno.ENOSPC, "No space left")), Stopped)


def test_the_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten minutes without progress, or when the run is to stop."""
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.03)
    stop = threading.Event()
    with pytest.raises(MachineError, match=r"^a; waited for 10 min$"):
        Patience(stop, lambda _: None).call(raising(*[UnavailableError("a")] * 9), Stopped)
    progressing = Patience(stop, lambda _: progressing.progressed())
    assert progressing.call(raising(*[UnavailableError("a")] * 9), Stopped) == "finished"
    stop.set()
    with pytest.raises(Stopped):
        Patience(stop, lambda _: None).call(raising(UnavailableError("a")), Stopped)
