"""Compute and describe what a search cost, and what it saved by pruning trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from search.display.values import duration
from search.recorded.trial_columns import PRETRAINING_EXAMPLES
from search.trials.record import REPEAT_OF, FinishedTrial, TrialRecord

__all__ = ["SearchCost", "cost_sentences", "further_cost_sentences", "pruning_sentence", "search_cost"]

_STATES = {
    "complete": "trained to the end",
    "pruned": "pruned",
    "failed": "failed",
    "running": "running",
    "waiting": "waiting",
}


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
    """Sum over all trials so far; the configurations in their records give the budgets."""
    trained = table[table[REPEAT_OF].isna()]
    saved_examples, saved_seconds = 0, 0.0
    pruned = trained[(trained["state"] == "pruned") & (trained["examples"] > 0)]
    for number, examples, seconds in zip(pruned["trial"], pruned["examples"], pruned["seconds"], strict=True):
        planned = FinishedTrial.of(records[number]).config.examples
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


def cost_sentences(spent: SearchCost, table: pd.DataFrame) -> str:
    """Say how many trials, hours and examples the search took, and what pruning saved."""
    states = ", ".join(f"{spent.states[state]:,} {text}" for state, text in _STATES.items() if state in spent.states)
    repeats = f", {spent.repeats:,} repeating an earlier one" if spent.repeats else ""
    text = (
        f"{len(table):,} trial{'s' if len(table) > 1 else ''} ({states}{repeats}) took {duration(spent.seconds)} of "
        f"training and {spent.examples:,} training examples."
    )
    if saved := pruning_sentence(spent):
        text += f" {saved}"
    stages = int(table[PRETRAINING_EXAMPLES].fillna(0).max())
    if stages:
        text += (
            f" Further pretraining is not included: up to {stages:,} examples per trial, in stages that trials share."
        )
    return text


def pruning_sentence(spent: SearchCost) -> str:
    """Say what pruning saved; empty if it saved nothing."""
    if not spent.saved_examples:
        return ""
    return (
        f"Pruning saved {spent.saved_examples:,} training examples (about {duration(spent.saved_seconds)}), "
        f"{100 * spent.saved_share:.0f} % of what training every trial to the end would have taken."
    )


def further_cost_sentences(name: str, table: pd.DataFrame) -> list[str]:
    """Say what a study that builds on this one cost; empty as long as none of its runs has ended.

    ``name`` says what the study is, as the subject of the sentence.
    """
    ended = table if table.empty else table[table["examples"] > 0]
    if ended.empty:
        return []
    return [
        f"{name} took {len(ended)} further run{'' if len(ended) == 1 else 's'}: "
        f"{duration(float(ended['seconds'].sum()))} of training and {int(ended['examples'].sum()):,} training examples."
    ]
