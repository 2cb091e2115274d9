"""Make the consoles that all commands print on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

__all__ = ["make_console", "working"]


def make_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console that prints text as it is.

    Names, paths, descriptions and reasons come from users and libraries. Square brackets in them are not markup and
    ``:smile:`` is no emoji; a style is given as an argument, or with ``rich.text.Text``.

    Args:
        stderr: write to standard error instead of standard output.
        quiet: print nothing.
    """
    return Console(stderr=stderr, quiet=quiet, markup=False, highlight=False, emoji=False)


@contextmanager
def working(console: Console, text: str) -> Iterator[None]:
    """Show a spinner with ``text`` while a ``with`` block works; nothing outside a terminal, or if quiet."""
    if not console.is_interactive or console.quiet:
        yield
        return
    with console.status(Text(text)):
        yield
