"""Trials named on the command line, and what share each has in a task's average."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from data.errors import UserError
from search.parsing.errors import did_you_mean

__all__ = ["Shares", "candidates_by_hand", "shares_by_hand"]

Shares = dict[str, dict[int, float]]  # task -> trial -> share in the task's average, above 0, sum 1


def shares_by_hand(tasks: Sequence[str], trials: str, of: Sequence[str]) -> Shares:
    """Parse the requested shares; a trial that is named twice counts twice.

    Args:
        tasks: of the study.
        trials: for all tasks that ``of`` does not name, ``3,7,9``.
        of: for one task each, ``sst=3,7``.

    Raises:
        UserError: if these cannot be read, or there is no such task.
    """
    named = dict.fromkeys(tasks, _numbers("--trials", trials))
    given: set[str] = set()
    for text in of:
        task, equals, numbers = text.partition("=")
        if not equals:
            raise UserError(f"--of {text}: write a task and its trials, such as --of {tasks[0]}=3,7")
        if task not in named:
            raise UserError(f"--of {text}: the study has the tasks {', '.join(tasks)}{did_you_mean(task, tasks)}")
        if task in given:
            raise UserError(f"--of {text}: task '{task}' is named twice; write all its trials in one --of")
        given.add(task)
        named[task] = _numbers(f"--of {task}", numbers)
    return {task: _shares(numbers) for task, numbers in named.items()}


def candidates_by_hand(trials: str) -> list[int]:
    """Parse ``--trials 3,7,9`` as the trials to select from.

    Raises:
        UserError: if these cannot be read, or fewer than two or one of them twice.
    """
    numbers = _numbers("--trials", trials)
    if len(numbers) < 2 or len(set(numbers)) < len(numbers):
        raise UserError(f"--trials {trials}: name at least two trials to select from, each once")
    return numbers


def _numbers(option: str, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UserError(f"{option} {text}: write numbers of trials with commas between, such as 3,7,9")
    return [int(part) for part in parts]


def _shares(numbers: list[int]) -> dict[int, float]:
    return {number: count / len(numbers) for number, count in sorted(Counter(numbers).items())}
