"""Errors that end a command with one line, and how messages quote what users wrote, or suggest what they meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

__all__ = ["MachineError", "UnavailableError", "UserError", "did_you_mean", "escaped", "quoted"]

_SHOWN = 60  # characters of a cell that a message quotes


class UserError(ValueError):
    """Invalid input; the message says in one line what was wrong, where, and what to do. Programs exit with code 2."""


class MachineError(UserError):
    """A fault of the machine, such as a full disk; what was in progress is valid and can be resumed later."""


class UnavailableError(MachineError):
    """An input cannot be read now, such as a file of a disk that is not mounted; it may be back in a moment."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def escaped(text: str) -> str:
    """Return text in one line that changes nothing in a terminal: control characters as Python writes them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def quoted(text: str) -> str:
    """Return the beginning of a cell for a message: in quotes, and in one line whatever it contains."""
    return f"'{escaped(text[:_SHOWN])}'"


def did_you_mean(
    word: str, known: Iterable[str], *, cutoff: float = 0.6, compared_as: Callable[[str], str] = str
) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word nearest to ``word``, or nothing if none is near.

    Args:
        cutoff: least similarity, 0 to 1, as in :func:`difflib.get_close_matches`.
        compared_as: turns words, also known ones, into what is compared, for example lower-case letters.
    """
    names = {compared_as(name): name for name in known}
    near = get_close_matches(compared_as(word), names, n=1, cutoff=cutoff)
    return f"; did you mean '{names[near[0]]}'?" if near else ""
