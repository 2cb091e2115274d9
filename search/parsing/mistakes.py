"""Collect the mistakes of a file, so that a reader sees all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from data.errors import MachineError, UserError
from search.parsing.errors import StudyFileError

__all__ = ["Mistakes"]

T = TypeVar("T")
U = TypeVar("U")


class Mistakes:
    """The mistakes found so far; its length is their number."""

    def __init__(self) -> None:
        self._found: list[UserError] = []

    def __len__(self) -> int:
        return len(self._found)

    def note(self, error: UserError) -> None:
        """Add a mistake, and those that came with it; once, however often it is found."""
        for one in error.every if isinstance(error, StudyFileError) else (error,):
            if str(one) not in map(str, self._found):
                self._found.append(one)

    def under(self, *tables: str) -> bool:
        """Return whether there is a mistake in one of the tables at the top of the file, or of another file."""
        return any(
            not isinstance(one, StudyFileError) or one.key[:1] in [(name,) for name in tables] for one in self._found
        )

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the mistake that a ``with`` block ends with, and continue after the block."""
        try:
            yield
        except MachineError:
            raise
        except UserError as error:
            self.note(error)

    def attempt(self, read: Callable[[], T], otherwise: U) -> T | U:
        """Return what ``read`` returns; if it ends with a mistake, note that and return ``otherwise``."""
        with self.noted():
            return read()
        return otherwise

    def as_error(self) -> UserError:
        """Return all mistakes, at least one, as one error: the first with a key if there is any, with the others."""
        first = next((one for one in self._found if isinstance(one, StudyFileError)), None)
        if first is None:
            return UserError("\n".join(map(str, self._found)))
        return StudyFileError(first.key, first.what, tuple(one for one in self._found if one is not first))

    def raise_any(self) -> None:
        """Raise :meth:`as_error` if there are mistakes.

        Raises:
            UserError: all mistakes.
        """
        if self._found:
            raise self.as_error()
