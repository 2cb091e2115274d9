"""What the command line asks of an ensemble: its options, which of them go together, and trials named by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from data.errors import UserError
from search.parsing.errors import name_hint

__all__ = ["EnsembleRequest", "SoupKind", "candidates_by_hand", "shares_by_hand"]

if TYPE_CHECKING:
    from core.model_files.formats.names import FormatName
    from search.ensemble.selection import GreedyOptions, Shares

SoupKind = Literal["uniform", "greedy"]


@dataclass(frozen=True)
class EnsembleRequest:
    """Which ensemble is asked for.

    Attributes:
        trials: ``3,7,9``: the members, or what to select from.
        of: ``sst=3,7``: the members of one task each.
        greedy: select the members; None: do not.
        soup: average weights; None: average predictions.
        dev_only: do without models.
        formats: in which the model of a soup is also written.

    Raises:
        UserError: if nothing is asked for, or what does not go together.
    """

    trials: str | None
    of: Sequence[str]
    greedy: GreedyOptions | None
    soup: SoupKind | None
    dev_only: bool
    formats: Sequence[FormatName] = ()

    def __post_init__(self) -> None:
        if self.trials is None and not self.of and self.greedy is None and self.soup is None:
            raise UserError("which trials? --trials 3,7,9, --of TASK=3,7, --greedy N to select them, or --soup greedy")
        if self.greedy is not None and self.of:
            raise UserError("--greedy selects the members, --of names them: give one of the two")
        if self.soup is None:
            if self.formats:
                raise UserError("--format writes one model, and averaged predictions have several: use it with --soup")
            return
        if self.of or self.greedy is not None:
            other = "--of" if self.of else "--greedy"
            raise UserError(
                f"--soup {self.soup} makes one model for all tasks out of --trials or all that have a model; "
                f"{other} is for averaged predictions"
            )
        if self.dev_only:
            raise UserError(f"--soup {self.soup} needs the trials' models, so --dev-only does not go with it")

    @property
    def averages_named_trials(self) -> bool:
        """Whether the command line names the trials to average, so that nothing is selected."""
        return self.greedy is None and self.soup is None

    @property
    def by_hand(self) -> bool:
        """Whether members are neither selected nor left out by dev score."""
        return self.averages_named_trials or (self.soup == "uniform" and self.trials is not None)


def shares_by_hand(tasks: Sequence[str], trials: str, of: Sequence[str]) -> Shares:
    """Parse the requested shares; a trial that is named twice counts twice.

    Args:
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
            raise UserError(f"--of {text}: the study has the tasks {', '.join(tasks)}{name_hint(task, tasks)}")
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
