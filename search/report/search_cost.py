"""Compute what a search cost, and what it saved by pruning trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from search.trials.record import REPEAT_OF, FinishedTrial, TrialRecord

__all__ = ["SearchCost", "search_cost"]


@dataclass(frozen=True)
class SearchCost:
    """Sums over trials.

    Attributes:
        states: number of trials by state, without ``repeats``: ``complete``, ``pruned``, ``failed``, ``running``,
            ``waiting``.
        repeats: number of trials that were not trained because they repeat another one.
        seconds: of training and scoring.
        examples: training examples.
        saved_examples: training examples that were left to the pruned trials.
        saved_seconds: how long that would have taken, each trial at its own speed.
    """

    states: Mapping[str, int]
    repeats: int
    seconds: float
    examples: int
    saved_examples: int
    saved_seconds: float

    @property
    def saved_share(self) -> float:
        """Share of the examples that training all trials to the end would have taken, 0 to 1."""
        full = self.examples + self.saved_examples
        return self.saved_examples / full if full else 0.0


def search_cost(table: pd.DataFrame, records: Mapping[int, TrialRecord]) -> SearchCost:
    """Sum over all trials so far.

    Args:
        table: of trials.
        records: the same trials by number; their configurations give the budgets.
    """
    trained = table[table[REPEAT_OF].isna()]
    saved_examples, saved_seconds = 0, 0.0
    pruned = trained[(trained["state"] == "pruned") & (trained["examples"] > 0)]
    for number, examples, seconds in zip(pruned["trial"], pruned["examples"], pruned["seconds"], strict=True):
        planned = FinishedTrial.of(records[number]).config.budget.examples
        left = max(planned - int(examples), 0)
        saved_examples += left
        saved_seconds += left * seconds / examples
    return SearchCost(
        states={str(state): int(count) for state, count in trained["state"].value_counts().items()},
        repeats=len(table) - len(trained),
        seconds=float(table["seconds"].sum()),
        examples=int(table["examples"].sum()),
        saved_examples=saved_examples,
        saved_seconds=float(saved_seconds),
    )
