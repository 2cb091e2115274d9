"""The finalists' outcome in sentences, in tables, and as numbers for a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from search.analysis.apart_words import apart_words
from search.analysis.expected_text import interval_words
from search.analysis.seed_intervals import OVERALL, Difference
from search.analysis.seed_words import interval_note, interval_scope
from search.display.table import Table
from search.finalists.finalist import Finalist
from search.finalists.outcome import Outcome

__all__ = ["difference_tables", "difference_words", "outcome_frame", "outcome_notes", "outcome_words", "score_table"]


def outcome_words(outcome: Outcome) -> list[str]:
    """The answer: who wins by how much, what to expect of it on new data, and against what it was compared."""
    winner = outcome.winner
    was_ahead = f" (in the search, trial {outcome.best_of_study} was ahead)"
    lines = [
        f"{_title(winner)} wins the final over seeds{'' if winner.source == outcome.best_of_study else was_ahead}: "
        f"overall {_mean(winner, OVERALL)} on dev, {_runs(len(winner.runs))}.",
        _expected_words(outcome),
    ]
    if comparisons := list(_compared(outcome)):
        score = "mean" if len(winner.runs) > 1 else "score"
        lines.append(f"On dev its {score} is {' and '.join(comparisons)}.")
    tasks = {task: one for task, one in winner.to_default.items() if task != OVERALL and one.is_clear}
    if tasks:
        listed = ", ".join(f"{task} {difference_words(one, 3)}" for task, one in tasks.items())
        lines.append(f"Tasks with a clear difference to the default configuration: {listed}.")
    return lines


def outcome_notes(outcome: Outcome) -> list[str]:
    """How to read the tables, what was not trained, who cannot win, and whose runs failed."""
    notes = [_reading(outcome)]
    notes += apart_words({one.name: one.apart for one in outcome.finalists})
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


def _reading(outcome: Outcome) -> str:
    note = interval_note(outcome.seeds_known, outcome.examples_unknown)
    if not outcome.seeds_known:
        return note
    paired = "" if outcome.examples_unknown else " Differences are paired by dev examples."
    return f"After a mean, ± is the standard deviation over its seeds. After a difference, {note}{paired}"


def score_table(outcome: Outcome) -> Table:
    """A row for each finalist, the winner first: mean ± standard deviation over seeds, overall and in each task."""
    rows = tuple(
        (one.name, str(len(one.runs)), *(_mean(one, column) for column in outcome.winner.means))
        for one in outcome.finalists
    )
    title = "Mean ± standard deviation over seeds" if outcome.seeds_known else "Scores, of one run each"
    return Table(title, ("", "seeds", *outcome.winner.means), rows)


def difference_tables(outcome: Outcome) -> list[Table]:
    """Differences to the default configuration, and to the best preset, with a row for each other finalist."""
    to_default = {one.name: one.to_default for one in outcome.finalists if one.to_default}
    to_preset = {one.name: one.to_preset for one in outcome.finalists if one.to_preset}
    others = (("the default configuration", to_default), (_preset_name(outcome), to_preset))
    return [_difference_table(outcome, other, rows) for other, rows in others if rows]


def _difference_table(outcome: Outcome, other: str, differences: Mapping[str, Mapping[str, Difference]]) -> Table:
    columns = tuple(outcome.winner.means)
    rows = tuple(
        (name, *(difference_words(of[column], _digits(column)) for column in columns))
        for name, of in differences.items()
    )
    interval = ", with 95 % interval" if interval_scope(outcome.seeds_known, outcome.examples_unknown) else ""
    return Table(f"Difference to {other}{interval}", ("", *columns), rows)


def outcome_frame(outcome: Outcome) -> pd.DataFrame:
    """All numbers in full, a row for each finalist; runs are separated by blanks."""
    return pd.DataFrame(
        {
            "finalist": one.name,
            "is_winner": one is outcome.winner,
            "source_trial": one.source,
            "runs": " ".join(map(str, one.runs)),
            **{f"mean_{row}": value for row, value in one.means.items()},
            **{f"sd_{row}": value for row, value in one.spreads.items()},
            "half_width_overall": one.half_width,
            **_columns("default", one.to_default, outcome),
            **_columns("preset", one.to_preset, outcome),
            "dropped": one.dropped,
        }
        for one in outcome.finalists
    )


def difference_words(difference: Difference, digits: int = 4) -> str:
    """``+0.0210 ± 0.0100``."""
    number = f"{difference.value:+.{digits}f}"
    return number if difference.half_width is None else f"{number} ± {difference.half_width:.{digits}f}"


def _digits(column: str) -> int:
    return 4 if column == OVERALL else 3


def _title(one: Finalist) -> str:
    if one.is_default:
        return "The default configuration"
    return f"Preset {one.preset}" if one.preset else f"Trial {one.source}"


def _mean(one: Finalist, row: str) -> str:
    spread, digits = one.spreads[row], _digits(row)
    number = f"{one.means[row]:.{digits}f}"
    return number if spread is None else f"{number} ± {spread:.{digits}f}"


def _expected_words(outcome: Outcome) -> str:
    if outcome.expected is None:
        return f"What it will score on new data cannot be said: {outcome.unknown}."
    overall = outcome.expected.overall
    count = len(outcome.contenders)
    among = f"among {count} finalists that could win, and of" if count > 1 else "of"
    expected = "run is" if len(outcome.winner.runs) == 1 else "runs are"
    return (
        f"On new data its {expected} expected to score {interval_words(overall)} (95 % interval): after the choice "
        f"{among} checkpoints, dev looks {max(overall.optimism, 0.0):.4f} too good."
    )


def _compared(outcome: Outcome) -> Iterator[str]:
    winner = outcome.winner
    others = (("the default configuration", winner.to_default), (_preset_name(outcome), winner.to_preset))
    for other, differences in others:
        if differences:
            overall = differences[OVERALL]
            clear = "" if overall.is_clear else " (no clear difference)"
            yield f"{difference_words(overall)} against {other}{clear}"


def _preset_name(outcome: Outcome) -> str:
    return f"preset {outcome.preset.preset}" if outcome.preset else ""


def _runs(count: int) -> str:
    return (
        "one run with a fresh seed" if count == 1 else f"mean and standard deviation of {count} runs with fresh seeds"
    )


def _columns(other: str, differences: dict[str, Difference], outcome: Outcome) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for row in outcome.winner.means:
        one = differences.get(row)
        found[f"minus_{other}_{row}"] = None if one is None else one.value
        found[f"minus_{other}_{row}_half_width"] = None if one is None else one.half_width
    return found
