"""Make tables of a final's outcome, and its numbers for a CSV file."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from search.analysis.seed_intervals import OVERALL, Difference, interval_scope
from search.display.table import Table
from search.display.values import plus_minus
from search.finalists.final_outcome import FinalOutcome
from search.finalists.finalist import Finalist

__all__ = ["difference_tables", "difference_text", "final_frame", "final_table", "mean_text"]


def final_table(outcome: FinalOutcome) -> Table:
    """Make a table of means ± standard deviations over seeds, a row for each finalist, the winner first."""
    rows = tuple(
        (one.name, str(len(one.runs)), *(mean_text(one, column) for column in outcome.winner.means))
        for one in outcome.finalists
    )
    title = "Dev scores, mean ± standard deviation over seeds" if outcome.seeds_known else "Dev scores of one run each"
    return Table(title, ("", "seeds", *outcome.winner.means), rows)


def difference_tables(outcome: FinalOutcome) -> list[Table]:
    """Make tables of differences from the default configuration and from the best preset."""
    to_default = {one.name: one.to_default for one in outcome.finalists if one.to_default}
    to_preset = {one.name: one.to_preset for one in outcome.finalists if one.to_preset}
    others = (("the default configuration", to_default), (outcome.preset_name, to_preset))
    return [_difference_table(outcome, other, rows) for other, rows in others if rows]


def _difference_table(outcome: FinalOutcome, other: str, differences: Mapping[str, Mapping[str, Difference]]) -> Table:
    columns = tuple(outcome.winner.means)
    rows = tuple(
        (name, *(difference_text(of[column], _digits(column)) for column in columns))
        for name, of in differences.items()
    )
    interval = ", with 95 % interval" if interval_scope(outcome.seeds_known, outcome.examples_unknown) else ""
    return Table(f"Difference from {other}{interval}", ("", *columns), rows)


def final_frame(outcome: FinalOutcome) -> pd.DataFrame:
    """Return unrounded numbers, a row for each finalist; runs are separated by blanks."""
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


def difference_text(difference: Difference, digits: int = 4) -> str:
    """Write a difference with its interval: ``+0.0210 ± 0.0100``."""
    return plus_minus(difference.value, difference.half_width, digits, sign=True)


def _digits(column: str) -> int:
    return 4 if column == OVERALL else 3


def mean_text(one: Finalist, row: str) -> str:
    """Write a finalist's mean ± standard deviation over its seeds."""
    return plus_minus(one.means[row], one.spreads[row], _digits(row))


def _columns(other: str, differences: dict[str, Difference], outcome: FinalOutcome) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for row in outcome.winner.means:
        one = differences.get(row)
        found[f"minus_{other}_{row}"] = None if one is None else one.value
        found[f"minus_{other}_{row}_half_width"] = None if one is None else one.half_width
    return found
