"""The report's first section: the answer in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from core.statistics import Expectations
from search.ablate.ablation_sentences import ablation_sentences
from search.analysis.expected_score import Estimate
from search.analysis.expected_text import expectations_table, gone_sentence, unknown_sentence
from search.analysis.ties import ties_sentences
from search.analysis.trial_difference import changed_settings
from search.finalists.exportable_models import model_sentences
from search.finalists.final_outcome import OVERALL, FinalOutcome
from search.finalists.final_sentences import outcome_sentences
from search.recorded.ranking import WinnerByMean, recorded_choice
from search.recorded.space import stored_space
from search.recorded.trial_table import trial_table, winnable
from search.report.context import ReportContext
from search.report.helpful_settings import helpful_settings, helpful_settings_sentence, shared_settings
from search.report.parts import Heading, Headline, Part, ReportSection
from search.report.search_cost import cost_sentences, further_cost_sentences, search_cost
from search.trials.record import REPEAT_OF, FinishedTrial

__all__ = ["answer_section", "certainty_sentences", "headline", "lead_sentence", "winner_sentences"]

_NOTHING_BETTER = "The default configuration won: nothing else that was tried scored better."
_SAME = 1e-9  # of two overall scores
_LEAST_OPTIMISM = 0.0005  # of the overall score; less is not worth a sentence


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
        verdict, certainty = _final_verdict(context, context.outcome), _seed_certainty_sentences(context.outcome)
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
    return [head, *sentences, *([] if estimate is None else [expectations_table(estimate.scores)])]


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
        yield _NOTHING_BETTER
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


def headline(dev: float | None, expected: Expectations | None, model: str) -> Headline:
    """Return the score that counts: expected on new data if that is known, else on dev.

    ``model`` is the model that the score belongs to, such as ``trial 7``.
    """
    if expected is None:
        return Headline("Overall dev score", _score_text(dev), f"(optimistic, see below), {model}")
    overall = expected.overall
    interval = f"{_score_text(overall.low)}\N{EN DASH}{_score_text(overall.high)}"
    details = f"(95 % interval {interval}), {model}"
    return Headline("Expected overall score on new data", _score_text(overall.expected), details)


def winner_sentences(
    best: FinishedTrial,
    table: pd.DataFrame,
    estimate: Estimate | None,
    unknown: str,
    choice: WinnerByMean | None = None,
) -> list[str]:
    """Name the winner, and say how much of its dev score is due to selection.

    Without an estimate, ``unknown`` is the reason. In a study of finalists, ``choice`` is the configuration with the
    highest mean over its runs.
    """
    finished = winnable(table)
    count = int(finished[REPEAT_OF].isna().sum())
    scores = ", ".join(f"{task} {_score_text(score)}" for task, score in best.result.scores.items())
    among = (
        f"the best of {count} trials that were trained to the end" if count > 1 else "the only one trained to the end"
    )
    scores_of_finished = finished.loc[finished[REPEAT_OF].isna(), "overall"]
    if count > 1 and scores_of_finished.nunique() == 1:
        among = f"the first of {count} trials that were trained to the end, which all have the same overall dev score"
    if choice is not None:
        among = f"the best run of {choice.winner}, which has the highest mean over seeds"
    lines = [
        f"Winner: trial {best.number}, {among}. Its overall dev score is {_score_text(best.result.overall)} ({scores})."
    ]
    if estimate is None:
        return [*lines, *([unknown_sentence(unknown)] if unknown else [])]
    lines += ties_sentences(replace(estimate.ties, others=0))  # the first line says whether all are alike
    optimism = estimate.scores.overall.optimism
    if optimism >= _LEAST_OPTIMISM:
        what = "noisy scores" if estimate.trials > 1 else "its checkpoints' noisy scores"
        lines[0] += f" Selection inflates this score by {optimism:.3f}: the best of many {what} is partly luck."
    return [*lines, *filter(None, [gone_sentence(estimate.gone)])]


def lead_sentence(best: FinishedTrial, default: FinishedTrial) -> str:
    """Compare the dev scores of the best trial and of the default configuration's trial; both have finished."""
    if default.number == best.number:
        return _NOTHING_BETTER
    gain = best.overall - default.overall
    if gain == 0.0:
        return f"On dev, the winner scores the same as the default configuration (trial {default.number})."
    than = "higher" if gain >= 0.0 else "lower"  # a default below a floor may be better, and not win
    return (
        f"On dev, the winner scores {abs(gain):.3f} {than} than the default configuration (trial {default.number}, "
        f"{_score_text(default.result.overall)})."
    )


def certainty_sentences(
    best: FinishedTrial, table: pd.DataFrame, estimate: Estimate | None, finalists: str
) -> list[str]:
    """Say what the interval covers, what it does not cover, and whether other trials may be as good.

    ``finalists`` is the command that trains the best trials again with other seeds; empty if that has been done.
    """
    if estimate is None:
        return ["The uncertainty of the winner's score is unknown."]
    overall = estimate.scores.overall
    text = (
        "The interval is for this trained model on other examples of the same kind. It does not cover training the "
        "same settings again with another seed."
    )
    others = winnable(table)
    others = others[others[REPEAT_OF].isna() & (others["trial"] != best.number)]
    width = (overall.high - overall.low) / 2
    behind = overall.dev - others["overall"].astype(float)
    same = int((behind.abs() <= _SAME).sum())
    if same:
        text += f" {same} other trials score" if same > 1 else " One other trial scores"
        text += " the same on dev: none of them is ahead."
    near = int(((behind > _SAME) & (behind < width)).sum())
    if near:
        trials = f"{near} other trials score" if near > 1 else "One other trial scores"
        text += f" {trials} less than {width:.3f} below it on dev and may be as good."
    if finalists:
        text += f" To compare the best trials over several seeds, run {finalists}."
    return [text]


def _seed_certainty_sentences(outcome: FinalOutcome) -> list[str]:
    """Say what the interval of a final covers, and how much the seed matters."""
    winner = outcome.winner
    spread = winner.spreads[OVERALL]
    sentences = (
        [] if outcome.expected is None else ["Intervals of expected scores are for other examples of the same kind."]
    )
    if spread is None:
        return [*sentences, "The effect of another seed is unknown: the winner was trained with one seed."]
    return [
        *sentences,
        f"The seed alone changes the winner's overall score by {spread:.3f} (standard deviation of {len(winner.runs)} "
        "runs): training the same settings again may give a score that much higher or lower.",
    ]


def _score_text(score: float | None) -> str:
    return "unknown" if score is None else f"{score:.3f}"
