"""The sentences of the report's answer: winner, expected score, cost and certainty."""

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
from search.report.parts import Headline
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
    "pruning_sentence",
    "score_text",
    "seed_certainty_sentences",
    "winner_sentences",
]

NOTHING_BETTER = "The default configuration won: nothing else that was tried scored better."
_GAINS = 3
_LEAST_OPTIMISM = 0.0005  # of the overall score; less is not worth a sentence
_STATES = {
    "complete": "trained to the end",
    "pruned": "pruned",
    "failed": "failed",
    "running": "running",
    "waiting": "waiting",
}


def headline(dev: float | None, expected: Expectations | None, model: str) -> Headline:
    """Return the score that counts, with what it is and how certain it is.

    Args:
        dev: overall score on the dev examples.
        expected: score on new data, if it can be estimated.
        model: the model that the score belongs to, such as ``trial 7``.
    """
    if expected is None:
        return Headline("Overall dev score", score_text(dev), f"(optimistic, see below), {model}")
    overall = expected.overall
    interval = f"{score_text(overall.low)}\N{EN DASH}{score_text(overall.high)}"
    details = f"(95 % interval {interval}), {model}"
    return Headline("Expected overall score on new data", score_text(overall.expected), details)


def winner_sentences(
    best: FinishedTrial, table: pd.DataFrame, estimate: Estimate | None, unknown: str, choice: Choice | None = None
) -> list[str]:
    """Name the winner, and say how much of its dev score is due to selection.

    Args:
        best: the winner.
        table: of trials.
        estimate: for the winner.
        unknown: why there is no estimate.
        choice: of a configuration by the mean over its runs, in a study of finalists.
    """
    finished = winnable(table)
    count = int(finished[REPEAT_OF].isna().sum())
    scores = ", ".join(f"{task} {score_text(score)}" for task, score in best.result.scores.items())
    among = (
        f"the best of {count} trials that were trained to the end" if count > 1 else "the only one trained to the end"
    )
    if choice is not None:
        among = f"the best run of {choice.winner}, which has the highest mean over seeds"
    lines = [
        f"Winner: trial {best.number}, {among}. Its overall dev score is {score_text(best.result.overall)} ({scores})."
    ]
    if estimate is None:
        return [*lines, *([unknown_sentence(unknown)] if unknown else [])]
    optimism = estimate.scores.overall.optimism
    if optimism >= _LEAST_OPTIMISM:
        what = "noisy scores" if estimate.trials > 1 else "its checkpoints' noisy scores"
        lines[0] += f" Selection inflates this score by {optimism:.3f}: the best of many {what} is partly luck."
    return [*lines, *filter(None, [missing_sentence(estimate)])]


def seed_certainty_sentences(outcome: FinalOutcome) -> list[str]:
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


def lead_sentence(best: FinishedTrial, default: FinishedTrial) -> str:
    """Compare the dev scores of the best trial and of the default configuration's trial; both have finished."""
    if default.number == best.number:
        return NOTHING_BETTER
    gain = best.overall - default.overall
    than = "higher" if gain >= 0.0 else "lower"  # a default below a floor may be better, and not win
    return (
        f"On dev, the winner scores {abs(gain):.3f} {than} than the default configuration (trial {default.number}, "
        f"{score_text(default.result.overall)})."
    )


def helpful_settings_sentence(gains: Sequence[HelpfulSetting], same: Sequence[str], *, has_ablation: bool) -> str:
    """Name the settings that differ between winner and default and go with better scores.

    Args:
        gains: of the winner over the default.
        same: settings that clearly matter and have the same value in both.
        has_ablation: whether the winner was also trained without each technique.
    """
    if not gains:
        kept = ""
        if same:
            kept = f"The default already has the winner's value of what clearly mattered ({', '.join(same[:_GAINS])}). "
        return f"{kept}These trials do not show which of the changed settings make the difference."
    listed = "; ".join(
        f"{gain.path} {_value_text(gain.winner)} instead of {_value_text(gain.default)} (trials with such a value "
        f"score {gain.gap:.3f} higher)"
        for gain in gains[:_GAINS]
    )
    caution = "This is an association within the search, not proof of a cause" + (
        "; the ablation below trains the winner without each technique."
        if has_ablation
        else "; an ablation, which trains the winner without each technique, says more."
    )
    return f"Settings that go with better scores: {listed}. {caution}"


def further_cost_sentences(name: str, table: pd.DataFrame) -> list[str]:
    """Say what a study that builds on this one cost; empty as long as none of its runs has ended.

    Args:
        name: what the study is, as the subject of the sentence.
        table: of its trials.
    """
    ended = table if table.empty else table[table["examples"] > 0]
    if ended.empty:
        return []
    return [
        f"{name} took {len(ended)} further run{'' if len(ended) == 1 else 's'}: "
        f"{duration(float(ended['seconds'].sum()))} of training and {int(ended['examples'].sum()):,} training examples."
    ]


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


def certainty_sentences(
    best: FinishedTrial, table: pd.DataFrame, estimate: Estimate | None, finalists: str
) -> list[str]:
    """Say what the interval covers, what it does not cover, and whether other trials may be as good.

    Args:
        best: the winner.
        table: of trials.
        estimate: for the winner.
        finalists: the command that trains the best trials again with other seeds; empty if that has been done.
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
    near = int((others["overall"].astype(float) > overall.dev - width).sum())
    if near:
        trials = f"{near} other trials score" if near > 1 else "One other trial scores"
        text += f" {trials} less than {width:.3f} below it on dev and may be as good."
    if finalists:
        text += f" To compare the best trials over several seeds, run {finalists}."
    return [text]


def score_text(score: float | None) -> str:
    """Write a score with three digits."""
    return "unknown" if score is None else f"{score:.3f}"


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{task} {share:.2f}" for task, share in value.items())
    return f"{value:.2g}" if isinstance(value, float) else rounded(value)
