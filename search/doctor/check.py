"""The result of one check of the doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from data.errors import UserError
from search.display.fault_text import one_line

__all__ = ["Check", "State", "ok", "safely", "warning", "wrong"]

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Check:
    """The result of a check, printed as one line.

    Attributes:
        name: what was checked.
        state: ``wrong`` if a study would fail.
        found: what was found.
        advice: how to fix it; empty if nothing is wrong.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Check:
    """Return a check that passed."""
    return Check(name, "ok", found)


def warning(name: str, found: str, advice: str) -> Check:
    """Return a check that found something that slows or endangers a study."""
    return Check(name, "warning", found, advice)


def wrong(name: str, found: str, advice: str) -> Check:
    """Return a check that found something that makes a study fail."""
    return Check(name, "wrong", found, advice)


def safely(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """Run all checks of one kind; an exception becomes a check that failed."""
    found: list[Check] = []
    try:
        for check in look():
            found.append(check)  # noqa: PERF402  # those before a failure are kept
    except UserError as error:
        found.append(Check(name, "wrong", str(error)))
    except Exception as error:  # whatever is broken on this machine, the doctor reports it
        found.append(Check(name, "wrong", f"{type(error).__name__}: {one_line(error)}"))
    return found
