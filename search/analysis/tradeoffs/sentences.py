"""Say in sentences whether tasks compete."""

from __future__ import annotations

from collections.abc import Sequence

from core.statistics import Interval
from search.analysis.tradeoffs.correlations import FEWEST, FirstRung, TaskPair, TaskShare
from search.analysis.tradeoffs.shortfalls import Shortfall

__all__ = ["correlation_text", "first_rung_sentence", "pair_sentences", "share_sentences", "shortfall_sentences"]

_NAMED = 8


def pair_sentences(pairs: Sequence[TaskPair]) -> list[str]:
    """Write a sentence for each pair of tasks with a clear correlation, and one for the others."""
    trials = pairs[0].trials
    if all(pair.finished is None for pair in pairs):
        return [
            f"Too few finished trials ({trials}) to say whether tasks compete: at least {FEWEST} with different scores "
            "are needed."
        ]
    clear = [pair for pair in pairs if pair.finished is not None and not pair.finished.holds_zero]
    lines = [_pair(pair) for pair in clear[:_NAMED]]
    others = [f"{pair.a} and {pair.b}{_in_brackets(pair.finished)}" for pair in pairs if pair not in clear]
    if others:
        more = f", and {len(others) - _NAMED} other pairs" if len(others) > _NAMED else ""
        lines.append(f"No clear relation over {trials} finished trials: {', '.join(others[:_NAMED])}{more}.")
    return lines


def _pair(pair: TaskPair) -> str:
    assert pair.finished is not None
    also = "also score higher" if pair.finished.value > 0 else "score lower"
    compete = "" if pair.finished.value > 0 else ": the two tasks compete"
    size = f"Spearman {correlation_text(pair.finished)} over {pair.trials} finished trials"
    return f"Trials that score higher on {pair.a} {also} on {pair.b}{compete} ({size})."


def first_rung_sentence(pairs: Sequence[TaskPair], early: FirstRung) -> str:
    """Give the correlations before any trial was pruned; empty if they are unknown."""
    known = [pair for pair in pairs if pair.early is not None]
    if not known:
        return ""
    said = "; ".join(f"{pair.a} and {pair.b} {correlation_text(pair.early)}" for pair in known[:_NAMED] if pair.early)
    line = (
        f"Over all {known[0].early_trials} trials at {early.rung:,} examples, before any was pruned, Spearman's "
        f"correlations are: {said}."
    )
    if not any(pair.finished is not None and pair.finished.high < 0.0 for pair in pairs):
        return line
    return (
        "Pruning keeps trials for their overall score, which alone makes tasks look like rivals: a trial that is bad "
        f"at one task remains only if it is good at another. {line}"
    )


def shortfall_sentences(found: Sequence[Shortfall], winner: int) -> list[str]:
    """Say on which tasks the winner is the best, and what it gives up on the others."""
    own = [one.task for one in found if one.best == winner]
    lines = [f"Trial {winner}, the overall winner, is also the best on {_listed(own)}."] if own else []
    others = [one for one in found if one.best != winner]
    lines += [_given_up(one, winner) for one in others]
    return lines


def _given_up(one: Shortfall, winner: int) -> str:
    interval = "" if one.interval is None else f" [{one.interval.low:.3f}, {one.interval.high:.3f}]"
    gap = f"{one.gap:.3f}{interval} {one.metric}"
    return f"Trial {winner}, the overall winner, gives up {gap} on {one.task} compared with trial {one.best}."


def share_sentences(shares: Sequence[TaskShare], early: FirstRung | None) -> list[str]:
    """Write a sentence for each task whose loss weight clearly correlates with its score, and one for the others."""
    where = "" if early is None else f", at {early.rung:,} examples"
    known = [one for one in shares if one.correlation is not None]
    clear = [one for one in known if one.correlation is not None and not one.correlation.holds_zero]
    lines = [_share(one, where) for one in clear]
    others = [f"{one.task}{_in_brackets(one.correlation)}" for one in known if one not in clear]
    if others:
        lines.append(f"No clear relation between a task's share of the loss and its score{where}: {', '.join(others)}.")
    return lines


def _share(one: TaskShare, where: str) -> str:
    assert one.correlation is not None
    scores = "higher" if one.correlation.value > 0 else "lower"
    size = f"Spearman {correlation_text(one.correlation)} over {one.trials} trials{where}"
    return f"With a larger share of the loss, {one.task} scores {scores} ({size})."


def correlation_text(number: Interval) -> str:
    """Write a correlation with its interval: ``-0.41 [-0.60, -0.20]``."""
    return f"{number.value:+.2f} [{number.low:+.2f}, {number.high:+.2f}]"


def _in_brackets(number: Interval | None) -> str:
    return "" if number is None else f" ({correlation_text(number)})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
