"""Requests to stop: by the user, or by the first error."""

from __future__ import annotations

import pytest

from data.errors import MachineError, UserError
from search.driver.stop_request import Interrupts, StopRequest


def test_interrupts() -> None:
    interrupts = Interrupts(lambda: None)
    stop, seen = StopRequest(interrupts), []
    for interrupts.count in range(3):
        seen.append((stop.is_requested, stop.is_interrupted, stop.is_immediate))
    assert seen == [(False, False, False), (True, True, False), (True, True, True)]
    stop.raise_error()  # the user knows why


def test_the_first_error_is_raised_in_the_end() -> None:
    stop = StopRequest(Interrupts(lambda: None))
    for error in (UserError("no such file"), MachineError("disk full")):
        with stop.on_error():
            raise error
    assert (stop.is_requested, stop.is_interrupted) == (True, False)
    with pytest.raises(UserError, match=r"^no such file$"):
        stop.raise_error()


def test_a_fault_of_the_machine_says_how_to_resume() -> None:
    stop = StopRequest(Interrupts(lambda: None))
    stop.because_of(MachineError("disk full"))
    with pytest.raises(MachineError, match=r"^disk full; fix this, then run the same command again to resume$"):
        stop.raise_error()


def test_other_errors_are_raised_at_once() -> None:
    with pytest.raises(ZeroDivisionError), StopRequest(Interrupts(lambda: None)).on_error():
        raise ZeroDivisionError


def test_the_fault_of_a_file_is_the_machines() -> None:
    stop = StopRequest(Interrupts(lambda: None))
    with stop.on_error():
        raise PermissionError(1, "Operation not permitted", "runs/s/trial-0001")
    said = r"^cannot access 'runs/s/trial-0001': Operation not permitted; check .*; fix"
    with pytest.raises(MachineError, match=said):
        stop.raise_error()
    with pytest.raises(OSError, match="no file"), stop.on_error():
        raise OSError("no file")
