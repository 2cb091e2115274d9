"""Describe a final's outcome in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from search.analysis.expected_text import expectation_text
from search.analysis.interval_notes import apart_notes, interval_note
from search.analysis.seed_intervals import OVERALL
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_tables import difference_text, mean_text
from search.finalists.finalist import Finalist

__all__ = ["outcome_notes", "outcome_sentences"]


def outcome_sentences(outcome: FinalOutcome) -> list[str]:
    """The answer: who wins by how much, what to expect of it on new data, and against what it was compared."""
    winner = outcome.winner
    was_ahead = f" (in the search, trial {outcome.best_of_study} was ahead)"
    lines = [
        f"{_title(winner)} wins the final over seeds{'' if winner.source == outcome.best_of_study else was_ahead}: "
        f"overall {mean_text(winner, OVERALL)} on dev, {_runs(len(winner.runs))}.",
        _expected_words(outcome),
    ]
    if comparisons := list(_compared(outcome)):
        score = "mean" if len(winner.runs) > 1 else "score"
        lines.append(f"On dev its {score} is {' and '.join(comparisons)}.")
    tasks = {task: one for task, one in winner.to_default.items() if task != OVERALL and one.is_clear}
    if tasks:
        listed = ", ".join(f"{task} {difference_text(one, 3)}" for task, one in tasks.items())
        lines.append(f"Tasks with a clear difference to the default configuration: {listed}.")
    return lines


def outcome_notes(outcome: FinalOutcome) -> list[str]:
    """How to read the tables, what was not trained, who cannot win, and whose runs failed."""
    notes = [_reading(outcome)]
    notes += apart_notes({one.name: one.apart for one in outcome.finalists})
    notes += [f"{one.name} was dropped: {one.dropped}." for one in outcome.finalists if one.dropped]
    if outcome.saved:
        notes.append(f"That saved {outcome.saved} run{'s' if outcome.saved > 1 else ''}.")
    for one in outcome.finalists:
        if failed := outcome.failed.get(one.name):
            notes.append(f"{one.name}: {failed} of {failed + len(one.runs)} runs failed.")
    notes += [f"{name}: {why}, so it cannot win." for name, why in outcome.barred.items()]
    if none := [name for name in outcome.failed if name not in {one.name for one in outcome.finalists}]:
        notes.append(f"Without a finished run: {', '.join(none)}.")
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


def _expected_words(outcome: FinalOutcome) -> str:
    if outcome.expected is None:
        return f"What it will score on new data cannot be said: {outcome.unknown}."
    overall = outcome.expected.overall
    count = len(outcome.contenders)
    among = f"among {count} finalists that could win, and of" if count > 1 else "of"
    expected = "run is" if len(outcome.winner.runs) == 1 else "runs are"
    return (
        f"On new data its {expected} expected to score {expectation_text(overall)} (95 % interval): after the choice "
        f"{among} checkpoints, dev looks {max(overall.optimism, 0.0):.4f} too good."
    )


def _compared(outcome: FinalOutcome) -> Iterator[str]:
    winner = outcome.winner
    others = (("the default configuration", winner.to_default), (outcome.preset_name, winner.to_preset))
    for other, differences in others:
        if differences:
            overall = differences[OVERALL]
            clear = "" if overall.is_clear else " (no clear difference)"
            yield f"{difference_text(overall)} against {other}{clear}"


def _runs(count: int) -> str:
    return (
        "one run with a fresh seed" if count == 1 else f"mean and standard deviation of {count} runs with fresh seeds"
    )
