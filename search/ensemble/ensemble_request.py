"""The ensemble that the command line asks for, with a check of which options go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from data.errors import UserError

if TYPE_CHECKING:
    from search.ensemble.selection import GreedyOptions

__all__ = ["EnsembleRequest", "SoupKind"]

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

    Raises:
        UserError: if nothing is asked for, or what does not go together.
    """

    trials: str | None
    of: Sequence[str]
    greedy: GreedyOptions | None
    soup: SoupKind | None
    dev_only: bool

    def __post_init__(self) -> None:
        if self.trials is None and not self.of and self.greedy is None and self.soup is None:
            raise UserError("which trials? --trials 3,7,9, --of TASK=3,7, --greedy N to select them, or --soup greedy")
        if self.greedy is not None and self.of:
            raise UserError("--greedy selects the members, --of names them: give one of the two")
        if self.soup is None:
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
