"""Describe the outcome of a final in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from search.analysis.expected_text import expectation_text
from search.analysis.seed_intervals import OVERALL, apart_notes, interval_note
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_tables import difference_text, mean_text
from search.finalists.finalist import Finalist

__all__ = ["outcome_notes", "outcome_sentences"]


def outcome_sentences(outcome: FinalOutcome) -> list[str]:
    """Name the winner, its lead, its expected score on new data, and what it was compared with."""
    winner = outcome.winner
    was_ahead = f" (in the search, trial {outcome.best_of_study} was ahead)"
    lines = [
        f"{_title(winner)} wins the final over seeds{'' if winner.source == outcome.best_of_study else was_ahead}: "
        f"overall dev score {mean_text(winner, OVERALL)}, {_runs(len(winner.runs))}.",
        _expected_sentence(outcome),
    ]
    means = [one.means[OVERALL] for one in outcome.finalists if one.name in outcome.contenders]
    if len(means) > 1 and len(set(means)) == 1:
        lines.append(f"All {len(means)} finalists have the same overall dev score: none of them is better.")
    if comparisons := list(_compared(outcome)):
        score = "mean dev score" if len(winner.runs) > 1 else "dev score"
        lines.append(f"Difference of its {score} from others: {'; '.join(comparisons)}.")
    tasks = {task: one for task, one in winner.to_default.items() if task != OVERALL and one.is_clear}
    if tasks:
        listed = ", ".join(f"{task} {difference_text(one, 3)}" for task, one in tasks.items())
        lines.append(f"Tasks with a clear difference from the default configuration: {listed}.")
    return lines


def outcome_notes(outcome: FinalOutcome) -> list[str]:
    """Explain how to read the tables, what was not trained, who cannot win, and which runs failed."""
    notes = [_reading(outcome)]
    notes += apart_notes({one.name: one.apart for one in outcome.finalists})
    notes += [f"{one.name} was dropped: {one.dropped}." for one in outcome.finalists if one.dropped]
    if outcome.saved:
        notes.append(f"Dropping saved {outcome.saved} run{'s' if outcome.saved > 1 else ''}.")
    for one in outcome.finalists:
        if failed := outcome.failed.get(one.name):
            notes.append(f"{one.name}: {failed} of {failed + len(one.runs)} runs failed.")
    notes += [f"{name} cannot win: {why}." for name, why in outcome.barred.items()]
    if unfinished := [name for name in outcome.failed if name not in {one.name for one in outcome.finalists}]:
        notes.append(f"No run finished of: {', '.join(unfinished)}.")
    return notes


def _reading(outcome: FinalOutcome) -> str:
    note = interval_note(outcome.seeds_known, outcome.examples_unknown)
    if not outcome.seeds_known:
        return note
    paired = "" if outcome.examples_unknown else " Differences are paired by dev examples."
    return f"After a mean, ± is the standard deviation over its seeds. After a difference, {note}{paired}"


def _title(one: Finalist) -> str:
    if one.is_default:
        return "The default configuration"
    return f"Preset {one.preset}" if one.preset else f"Trial {one.source}"


def _expected_sentence(outcome: FinalOutcome) -> str:
    if outcome.expected is None:
        return f"Its score on new data cannot be estimated: {outcome.unknown}."
    overall = outcome.expected.overall
    count = len(outcome.contenders)
    among = f"among {count} eligible finalists and their checkpoints" if count > 1 else "of checkpoints"
    expected = "score of its run" if len(outcome.winner.runs) == 1 else "mean score of its runs"
    return (
        f"Expected {expected} on new data: {expectation_text(overall)} (95 % interval). Selection {among} inflates the "
        f"dev score by {max(overall.optimism, 0.0):.4f}."
    )


def _compared(outcome: FinalOutcome) -> Iterator[str]:
    winner = outcome.winner
    others = (("the default configuration", winner.to_default), (outcome.preset_name, winner.to_preset))
    for other, differences in others:
        if differences:
            overall = differences[OVERALL]
            clear = "" if overall.is_clear else " (no clear difference)"
            yield f"{difference_text(overall)} from {other}{clear}"


def _runs(count: int) -> str:
    return (
        "from one run with a fresh seed"
        if count == 1
        else f"mean ± standard deviation of {count} runs with fresh seeds"
    )
