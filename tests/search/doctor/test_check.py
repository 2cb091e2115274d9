"""Check: an exception becomes a check that failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.errors import UserError
from search.doctor.check import Check, ok, safely, warning, wrong


def test_an_exception_becomes_a_failed_check_and_earlier_checks_are_kept() -> None:
    def look() -> Any:
        yield ok("a", "fine")
        raise ZeroDivisionError("no\nreason")

    assert safely("b", look) == [ok("a", "fine"), Check("b", "wrong", "ZeroDivisionError: no reason")]


def test_a_mistake_of_the_user_keeps_its_message() -> None:
    def look() -> Iterator[Check]:
        raise UserError("no such folder: 'x'")
        yield

    assert safely("data", look) == [wrong("data", "no such folder: 'x'", "")]


def test_states() -> None:
    assert ok("a", "fine") == Check("a", "ok", "fine", "")
    assert warning("a", "slow", "use another") == Check("a", "warning", "slow", "use another")
    assert wrong("a", "none", "install it") == Check("a", "wrong", "none", "install it")
