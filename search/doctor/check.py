"""What the doctor says of one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from data.errors import UserError

__all__ = ["Check", "State", "ok", "safely", "warning", "wrong"]

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Check:
    """One line.

    Attributes:
        name: of what was looked at.
        state: ``wrong``: a study would fail.
        found: what was found.
        advice: what to do; empty if nothing.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, "ok", found)


def warning(name: str, found: str, advice: str) -> Check:
    """A study would run, but not well."""
    return Check(name, "warning", found, advice)


def wrong(name: str, found: str, advice: str) -> Check:
    """A study would fail."""
    return Check(name, "wrong", found, advice)


def safely(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """All checks of one kind; where looking fails, that is what was found."""
    found: list[Check] = []
    try:
        for check in look():
            found.append(check)  # noqa: PERF402  # those before a failure count
    except UserError as error:
        found.append(Check(name, "wrong", str(error)))
    except Exception as error:  # whatever is broken on this machine is what we are here to tell
        what = " ".join(str(error).split())
        found.append(Check(name, "wrong", f"{type(error).__name__}: {what}"))
    return found
