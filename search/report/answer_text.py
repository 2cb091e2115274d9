"""What a study found, in words; the report's first lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.statistics import Expectations
from search.analysis.expected_score import Estimate
from search.analysis.expected_text import missing_sentence, unknown_sentence
from search.display.values import duration, rounded
from search.finalists.final_outcome import OVERALL, FinalOutcome
from search.recorded.ranking import Choice
from search.recorded.trial_columns import PRETRAINING_EXAMPLES
from search.recorded.trial_table import winnable
from search.report.helpful_settings import HelpfulSetting
from search.report.search_cost import SearchCost
from search.trials.record import REPEAT_OF, FinishedTrial

__all__ = [
    "NOTHING_BETTER",
    "certainty_sentences",
    "cost_sentences",
    "further_cost_sentences",
    "headline",
    "helpful_settings_sentence",
    "lead_sentence",
    "score_text",
    "seed_certainty_sentences",
    "winner_sentences",
]

NOTHING_BETTER = "The winner is the default configuration: nothing that was tried did better."
_GAINS = 3
_LUCK = 0.0005  # of overall; less is not worth a word
_STATES = {
    "complete": "trained to the end",
    "pruned": "stopped early",
    "failed": "failed",
    "running": "running",
    "waiting": "waiting",
}


def headline(dev: float | None, expected: Expectations | None, whose: str = "") -> tuple[str, str]:
    """The score that counts, and what it is.

    Args:
        dev: overall on the dev examples.
        expected: on new data, if that is known.
        whose: `` of trial 7``, where it is not plain.
    """
    if expected is None:
        return score_text(dev), "overall on the dev examples, which is too good: see below"
    overall = expected.overall
    return (
        score_text(overall.expected),
        f"is the overall score to expect{whose} on new data of the same kind: between {score_text(overall.low)} and "
        f"{score_text(overall.high)}, with 95 % confidence",
    )


def winner_sentences(
    best: FinishedTrial, table: pd.DataFrame, estimate: Estimate | None, unknown: str, choice: Choice | None = None
) -> list[str]:
    """Who won, and how much of its score is luck.

    Args:
        best: the winner.
        table: of trials.
        estimate: of the winner.
        unknown: why there is none.
        choice: of a configuration by the mean over its runs, in a study of finalists.
    """
    finished = winnable(table)
    count = int(finished[REPEAT_OF].isna().sum())
    scores = ", ".join(f"{task} {score_text(score)}" for task, score in best.result.scores.items())
    among = f"the best of {count} that were trained to the end" if count > 1 else "the only one trained to the end"
    if choice is not None:
        among = f"the best run of {choice.winner}, which has the highest mean over seeds"
    lines = [
        f"Trial {best.number} is the winner, {among}: overall {score_text(best.result.overall)} on the dev examples "
        f"({scores})."
    ]
    if estimate is None:
        return [*lines, *([unknown_sentence(unknown)] if unknown else [])]
    luck = estimate.scores.overall.optimism
    if luck >= _LUCK:
        what = "the best of many" if estimate.trials > 1 else "the best of its checkpoints"
        lines[0] += f" Of that {luck:.3f} is luck, which does not come back: {what} is always somewhat too good."
    return [*lines, *filter(None, [missing_sentence(estimate)])]


def seed_certainty_sentences(outcome: FinalOutcome) -> list[str]:
    """What an interval of a final is for, and how much a seed does."""
    winner = outcome.winner
    spread = winner.spreads[OVERALL]
    words = [] if outcome.expected is None else ["Intervals of what to expect are for other examples of the same kind."]
    if spread is None:
        return [*words, "What another seed would do is not known: the winner was trained with one."]
    return [
        *words,
        f"Seeds alone move the winner's overall score by {spread:.3f} (standard deviation of {len(winner.runs)} runs): "
        "trained once more, the same settings may be so much better or worse.",
    ]


def lead_sentence(best: FinishedTrial, default: FinishedTrial) -> str:
    """How far the best trial is ahead of the default configuration's, on dev; both have finished."""
    if default.number == best.number:
        return NOTHING_BETTER
    gain = best.overall - default.overall
    than = "more" if gain >= 0.0 else "less"  # a default below a floor may be better, and not win
    return (
        f"On dev the winner scores {abs(gain):.3f} {than} than the default configuration, trial {default.number} "
        f"({score_text(default.result.overall)})."
    )


def helpful_settings_sentence(gains: Sequence[HelpfulSetting], same: Sequence[str], *, has_ablation: bool) -> str:
    """Which of the settings in which the winner differs from the default go with better scores.

    Args:
        gains: of the winner over the default.
        same: settings that clearly matter and that both have alike.
        has_ablation: whether each technique was also tried without.
    """
    if not gains:
        kept = ""
        if same:
            kept = f"The default already has the winner's value of what clearly mattered ({', '.join(same[:_GAINS])}). "
        return f"{kept}Which of the changed settings make a difference cannot be told from these trials."
    listed = "; ".join(
        f"{gain.path} {_value_words(gain.winner)} instead of {_value_words(gain.default)} (trials with such a value "
        f"score {gain.gap:.3f} higher)"
        for gain in gains[:_GAINS]
    )
    caution = "These go together in this search, which is no proof of a cause" + (
        "; the ablation below trains the winner without each technique."
        if has_ablation
        else "; an ablation, the winner trained without each technique, says more."
    )
    return f"What goes with better scores: {listed}. {caution}"


def further_cost_sentences(name: str, table: pd.DataFrame) -> list[str]:
    """What a study that goes on from this one took on top; nothing as long as no run of it has ended."""
    ended = table if table.empty else table[table["examples"] > 0]
    if ended.empty:
        return []
    return [
        f"{name} took {len(ended)} further run{'' if len(ended) == 1 else 's'}: "
        f"{duration(float(ended['seconds'].sum()))} of training and {int(ended['examples'].sum()):,} examples."
    ]


def cost_sentences(spent: SearchCost, table: pd.DataFrame) -> str:
    """Trials, hours and examples, and what stopping early saved."""
    states = ", ".join(f"{spent.states[state]:,} {words}" for state, words in _STATES.items() if state in spent.states)
    repeats = f", {spent.repeats:,} the same as an earlier one" if spent.repeats else ""
    words = (
        f"{len(table):,} trial{'s' if len(table) > 1 else ''} ({states}{repeats}) took {duration(spent.seconds)} of "
        f"training and {spent.examples:,} training examples."
    )
    if spent.saved_examples:
        words += (
            f" Stopping early saved {100 * spent.saved_share:.0f} % of the examples that training all of them to the "
            f"end would have taken: {spent.saved_examples:,}, or {duration(spent.saved_seconds)}."
        )
    stages = int(table[PRETRAINING_EXAMPLES].fillna(0).max())
    if stages:
        words += f" Further pretraining comes on top, of up to {stages:,} examples a trial; trials share its stages."
    return words


def certainty_sentences(
    best: FinishedTrial, table: pd.DataFrame, estimate: Estimate | None, finalists: str
) -> list[str]:
    """What the interval is for, what it is not for, and whether others are as good.

    Args:
        best: the winner.
        table: of trials.
        estimate: of the winner.
        finalists: the command that trains the best again with other seeds; empty where that has been done.
    """
    if estimate is None:
        return ["How far chance moves the winner's score is not known."]
    overall = estimate.scores.overall
    words = (
        "The interval is for this trained model on other examples of the same kind. It does not say what the same "
        "settings would score when trained once more, with another seed."
    )
    others = winnable(table)
    others = others[others[REPEAT_OF].isna() & (others["trial"] != best.number)]
    width = (overall.high - overall.low) / 2
    near = int((others["overall"].astype(float) > overall.dev - width).sum())
    if near:
        trials = f"{near} other trials score" if near > 1 else "One other trial scores"
        words += f" {trials} less than {width:.3f} below it on dev, and may be as good."
    if finalists:
        words += f" Finalists, the best trials trained again with several seeds, tell more: {finalists}."
    return [words]


def score_text(score: float | None) -> str:
    """Three digits."""
    return "unknown" if score is None else f"{score:.3f}"


def _value_words(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{task} {share:.2f}" for task, share in value.items())
    return f"{value:.2g}" if isinstance(value, float) else rounded(value)
