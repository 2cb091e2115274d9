"""The report's first section: the answer in words."""

from __future__ import annotations

from collections.abc import Iterator

from search.ablate.ablation_sentences import ablation_sentences
from search.analysis.expected_text import estimate_table, expectations_table
from search.analysis.trial_difference import changed_settings
from search.finalists.exportable_models import model_sentences
from search.finalists.final_outcome import OVERALL, FinalOutcome
from search.finalists.final_sentences import outcome_sentences
from search.recorded.ranking import recorded_choice
from search.recorded.space import stored_space
from search.recorded.trial_table import trial_table
from search.report.answer_text import (
    NOTHING_BETTER,
    certainty_sentences,
    cost_sentences,
    further_cost_sentences,
    headline,
    helpful_settings_sentence,
    lead_sentence,
    seed_certainty_sentences,
    winner_sentences,
)
from search.report.context import ReportContext
from search.report.helpful_settings import helpful_settings, shared_settings
from search.report.parts import Heading, Part, ReportSection
from search.report.search_cost import search_cost
from search.trials.record import FinishedTrial

__all__ = ["answer_section"]


def answer_section(context: ReportContext) -> ReportSection:
    """Make the section: the winner, its expected score, what made it better, the cost, and how certain this is."""
    cost: list[Part] = [Heading("What it cost"), *_cost(context)]
    best = context.best
    if best is None:
        finished = (context.table["state"] == "complete").any()
        none = "No finished trial meets the floors." if finished else "No trial has finished yet."
        return ReportSection("answer", "Answer", (none, *cost))
    if context.outcome is None:
        verdict, certainty = _verdict(context, best), _certainty(context, best)
    else:
        verdict, certainty = _final_verdict(context, context.outcome), seed_certainty_sentences(context.outcome)
    parts: list[Part] = [
        *verdict,
        *_headed("What made it better", list(_gains(context, best))),
        *cost,
        *_headed("How certain this is", certainty),
    ]
    return ReportSection("answer", "Answer", tuple(parts))


def _verdict(context: ReportContext, best: FinishedTrial) -> list[Part]:
    """Name the winner and its expected score."""
    estimate, unknown = context.expected
    sentences = winner_sentences(best, context.table, estimate, unknown, recorded_choice(context.study))
    expected = None if estimate is None else estimate.scores
    head = headline(best.result.overall, expected, f"trial {best.number}")
    return [head, *sentences, *([] if estimate is None else [estimate_table(estimate)])]


def _final_verdict(context: ReportContext, outcome: FinalOutcome) -> list[Part]:
    """Do the same for a study whose best trials were trained again over seeds."""
    model = context.models[0] if context.models else None
    expected = None if model is None else model.expected
    head = headline(outcome.winner.means[OVERALL], expected, outcome.winner.name if model is None else model.name)
    table = [] if expected is None else [expectations_table(expected)]
    return [head, *outcome_sentences(outcome), *model_sentences(context.models), *table]


def _certainty(context: ReportContext, best: FinishedTrial) -> list[str]:
    finalists = f"python -m search.finalists --study {context.study.study_name}{context.where}"
    return certainty_sentences(best, context.table, context.expected[0], "" if context.is_comparison else finalists)


def _cost(context: ReportContext) -> Iterator[str]:
    yield cost_sentences(search_cost(context.table, context.records), context.table)
    for suffix, name in (("finalists", "The final over seeds"), ("ablation", "The ablation")):
        if (sibling := context.sibling(suffix)) is not None:
            yield from further_cost_sentences(name, trial_table(sibling[0]))


def _gains(context: ReportContext, best: FinishedTrial) -> Iterator[str]:
    if context.outcome is None and context.default is not None:
        yield lead_sentence(best, context.default)
    elif context.outcome is not None and context.outcome.winner.is_default:
        yield NOTHING_BETTER
    if context.ablation is not None:
        yield "The ablation trained the winner again without each technique in turn:"
        yield from ablation_sentences(context.ablation)[1:]
    winner, default = context.winner_config, context.default_config
    if winner is None or default is None or not changed_settings(default, winner):
        return
    space, found = stored_space(context.study, winner), context.mattered
    chosen = [space.chosen(config) for config in (winner, default)]
    gains, same = helpful_settings(found.shares, found.effects, *chosen), shared_settings(found.shares, *chosen)
    yield helpful_settings_sentence(gains, same, has_ablation=context.ablation is not None)


def _headed(title: str, lines: list[str]) -> Iterator[Part]:
    if lines:
        yield Heading(title)
        yield from lines
