"""The answer, first and in words."""

from __future__ import annotations

from collections.abc import Iterator

from search.expected_words import estimate_table, expectations_table
from search.finalists.outcome import Outcome
from search.finalists.words import outcome_words
from search.report.answer_words import (
    certainty_words,
    cost_words,
    final_words,
    gain_words,
    headline,
    winner_words,
)
from search.report.context import ReportContext
from search.report.gains import clear_and_same, clear_gains
from search.report.parts import Heading, Headline, Part, Section
from search.report.spending import spending
from search.stored_space import stored_space
from search.trial_record import TrialRecord

__all__ = ["answer_section"]


def answer_section(context: ReportContext) -> Section:
    """The winner, what it will score, what made it better, what it cost, and how sure that is."""
    cost: list[Part] = [Heading("What it cost"), cost_words(spending(context.table, context.records), context.table)]
    best, winner = context.best, context.winner
    if best is None or winner is None:
        finished = (context.table["state"] == "complete").any()
        none = "No finished trial meets the floors." if finished else "No trial has finished yet."
        return Section("answer", "Answer", (none, *cost))
    if context.outcome is None:
        verdict, certainty = _verdict(context, best), certainty_words(best, context.table, context.expected[0])
    else:
        verdict, certainty = _final_verdict(context.outcome, best), final_words(context.outcome)
    parts: list[Part] = [
        *verdict,
        *_headed("What made it better", _gains(context, winner)),
        *cost,
        *_headed("How sure that is", certainty),
    ]
    return Section("answer", "Answer", tuple(parts))


def _verdict(context: ReportContext, best: TrialRecord) -> list[Part]:
    """Who won, and what it will score."""
    estimate, unknown = context.expected
    words = winner_words(best, context.table, estimate, unknown)
    expected = None if estimate is None else estimate.scores
    return [Headline(*headline(best, expected)), *words, *([] if estimate is None else [estimate_table(estimate)])]


def _final_verdict(outcome: Outcome, best: TrialRecord) -> list[Part]:
    """The same where the best trials were trained again over seeds."""
    table = [] if outcome.expected is None else [expectations_table(outcome.expected)]
    return [Headline(*headline(best, outcome.expected)), *outcome_words(outcome), *table]


def _gains(context: ReportContext, winner: TrialRecord) -> list[str]:
    default, has_ablation = context.default, context.sibling("ablation") is not None
    if default is None or default.config is None or winner.config is None:
        return []
    space, found = stored_space(context.study, winner.config), context.mattered
    chosen = [space.chosen(config) for config in (winner.config, default.config)]
    gains, same = clear_gains(found.shares, found.effects, *chosen), clear_and_same(found.shares, *chosen)
    return gain_words(winner, default, gains, same, has_ablation)


def _headed(title: str, lines: list[str]) -> Iterator[Part]:
    if lines:
        yield Heading(title)
        yield from lines
