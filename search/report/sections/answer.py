"""The answer, first and in words."""

from __future__ import annotations

from collections.abc import Iterator

from search.ablate.words import sentences
from search.analysis.expected_text import estimate_table, expectations_table
from search.analysis.trial_difference import changed_settings
from search.finalists.models import model_words
from search.finalists.outcome import OVERALL, Outcome
from search.finalists.words import outcome_words
from search.recorded.ranking import recorded_choice
from search.recorded.space import stored_space
from search.recorded.trial_table import trial_table
from search.report.answer_words import (
    NOTHING_BETTER,
    certainty_words,
    cost_words,
    final_words,
    further_cost_words,
    gain_words,
    headline,
    lead_words,
    winner_words,
)
from search.report.context import ReportContext
from search.report.gains import clear_and_same, clear_gains
from search.report.parts import Heading, Headline, Part, Section
from search.report.spending import spending
from search.trials.record import TrialRecord

__all__ = ["answer_section"]


def answer_section(context: ReportContext) -> Section:
    """The winner, what it will score, what made it better, what it cost, and how sure that is."""
    cost: list[Part] = [Heading("What it cost"), *_cost(context)]
    best = context.best
    if best is None:
        finished = (context.table["state"] == "complete").any()
        none = "No finished trial meets the floors." if finished else "No trial has finished yet."
        return Section("answer", "Answer", (none, *cost))
    if context.outcome is None:
        verdict, certainty = _verdict(context, best), _certainty(context, best)
    else:
        verdict, certainty = _final_verdict(context, context.outcome), final_words(context.outcome)
    parts: list[Part] = [
        *verdict,
        *_headed("What made it better", list(_gains(context, best))),
        *cost,
        *_headed("How sure that is", certainty),
    ]
    return Section("answer", "Answer", tuple(parts))


def _verdict(context: ReportContext, best: TrialRecord) -> list[Part]:
    """Who won, and what it will score."""
    estimate, unknown = context.expected
    words = winner_words(best, context.table, estimate, unknown, recorded_choice(context.study))
    expected = None if estimate is None else estimate.scores
    head = headline(best.result.overall, expected)
    return [Headline(*head), *words, *([] if estimate is None else [estimate_table(estimate)])]


def _final_verdict(context: ReportContext, outcome: Outcome) -> list[Part]:
    """The same where the best trials were trained again over seeds."""
    model = context.models[0] if context.models else None
    expected = None if model is None else model.expected
    head = headline(outcome.winner.means[OVERALL], expected, "" if model is None else f" of {model.name}")
    table = [] if expected is None else [expectations_table(expected)]
    return [Headline(*head), *outcome_words(outcome), *model_words(context.models), *table]


def _certainty(context: ReportContext, best: TrialRecord) -> list[str]:
    finalists = f"python -m search.finalists --study {context.study.study_name}{context.where}"
    return certainty_words(best, context.table, context.expected[0], "" if context.is_comparison else finalists)


def _cost(context: ReportContext) -> Iterator[str]:
    yield cost_words(spending(context.table, context.records), context.table)
    for suffix, name in (("finalists", "The final over seeds"), ("ablation", "The ablation")):
        if (sibling := context.sibling(suffix)) is not None:
            yield from further_cost_words(name, trial_table(sibling[0]))


def _gains(context: ReportContext, best: TrialRecord) -> Iterator[str]:
    if context.outcome is None and context.default is not None:
        yield lead_words(best, context.default)
    elif context.outcome is not None and context.outcome.winner.is_default:
        yield NOTHING_BETTER
    if context.ablation is not None:
        yield "The winner, trained again without each technique in turn, shows what each one brings:"
        yield from sentences(context.ablation)[1:]
    winner, default = context.winner_config, context.default_config
    if winner is None or default is None or not changed_settings(default, winner):
        return
    space, found = stored_space(context.study, winner), context.mattered
    chosen = [space.chosen(config) for config in (winner, default)]
    gains, same = clear_gains(found.shares, found.effects, *chosen), clear_and_same(found.shares, *chosen)
    yield gain_words(gains, same, has_ablation=context.ablation is not None)


def _headed(title: str, lines: list[str]) -> Iterator[Part]:
    if lines:
        yield Heading(title)
        yield from lines
