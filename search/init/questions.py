"""Ask what the files do not tell: options answer first, then the user on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import typer

from data.errors import UserError, escaped, quoted

__all__ = ["Choice", "Questions", "by_task"]

T = TypeVar("T")
EVERY_TASK: Final = ""
"""The key of an option's value that holds for all tasks without one of their own."""


@dataclass(frozen=True)
class Choice:
    """An answer: the value that an option has, and what to say about it."""

    value: str
    about: str = ""


@dataclass(frozen=True)
class Questions:
    """How questions are answered where no option does.

    Attributes:
        takes_proposals: whether the first choice is taken without asking.
        can_ask: whether there is a terminal.
    """

    takes_proposals: bool
    can_ask: bool

    def choose(self, question: str, choices: Sequence[Choice], option: str) -> str:
        """Return one of the choices, the first of which is the proposal.

        Args:
            question: in one line, without a question mark.
            choices: at least one.
            option: what to add to the command for another answer, such as ``--label COLUMN``.

        Raises:
            UserError: there is no terminal to ask on.
            KeyboardInterrupt: the user gave up.
        """
        if self.takes_proposals:
            return choices[0].value
        if not self.can_ask:
            listed = " or ".join(f"'{escaped(choice.value)}'" for choice in choices)
            raise UserError(
                f"{question}: {listed}? Answer with {option}, or take '{escaped(choices[0].value)}' by --yes"
            )
        typer.echo(f"{question}?")
        for number, choice in enumerate(choices, start=1):
            about = f"  ({escaped(choice.about)})" if choice.about else ""
            typer.echo(f"  {number}  {escaped(choice.value)}{about}")
        return self._answer([choice.value for choice in choices])

    @staticmethod
    def _answer(values: Sequence[str]) -> str:
        while True:
            try:
                answer = str(typer.prompt("number", default="1")).strip()
            except typer.Abort:
                raise KeyboardInterrupt from None
            if answer.isdecimal() and 1 <= int(answer) <= len(values):
                return values[int(answer) - 1]
            if answer in values:
                return answer
            typer.echo(f"type a number from 1 to {len(values)}")


def by_task(option: str, values: Sequence[str], tasks: Sequence[str]) -> Mapping[str, str]:
    """Return the values of a repeatable option by task: ``TASK=VALUE`` for one, ``VALUE`` for all others.

    What comes before ``=`` is part of the value unless it is the name of a task.

    Raises:
        UserError: two values for the same task, or for all others.
    """
    found: dict[str, str] = {}
    for value in values:
        task, is_named, rest = value.partition("=")
        key, given = (task, rest) if is_named and task in tasks else (EVERY_TASK, value)
        if key in found:
            pair = ", or --pair for the two texts of a pair" if option == "--text" else ""
            both = f"{quoted(found[key])} and {quoted(given)}"
            whose = "one task" if key == EVERY_TASK else f"task '{key}'"
            raise UserError(f"{option} {both} are two answers for {whose}; give TASK=VALUE for each task{pair}")
        found[key] = given
    return found
