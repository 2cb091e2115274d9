"""A comparison of configurations as a table of strings, in sentences, and as numbers for a CSV file."""

from __future__ import annotations

import pandas as pd

from search.analysis.interval_notes import apart_notes
from search.analysis.seed_comparison import Comparison, ComparisonRow
from search.display.table import Table
from search.display.values import rounded
from search.recorded.trial_columns import PEAK_MEMORY, SCORE, SETTING

__all__ = ["comparison_frame", "comparison_notes", "comparison_table", "narrow_tables", "settings_text"]


def settings_text(row: ComparisonRow) -> str:
    """``variant = cooking, optim.learning_rate = 2e-05``; a study of the seed alone has ``base`` only."""
    return ", ".join(f"{path} = {rounded(value)}" for path, value in row.settings.items()) or "base"


def comparison_table(comparison: Comparison) -> Table:
    """A row for each configuration, the best first; columns of what no trial recorded are left out."""
    return _table("", comparison, _results(comparison) | _details(comparison))


def narrow_tables(comparison: Comparison) -> tuple[Table, Table]:
    """The same for a terminal, in two: intervals, and then scores of the tasks and costs."""
    results, details = _results(comparison), _details(comparison)
    return _table("configurations, mean over their seeds", comparison, results), _table("", comparison, details)


def comparison_notes(comparison: Comparison) -> list[str]:
    """Sentences: what the intervals are of, how to read the differences, whose interval is its own, and which trials
    are in no row.
    """
    notes = [_interval_note(comparison)]
    if len(comparison.rows) > 1:
        reference = settings_text(comparison.rows[comparison.reference])
        paired = ", on the same dev examples: one may be clear where two intervals of overall overlap"
        end = "" if comparison.examples_unknown else paired
        notes.append(f"Differences are in overall, to {reference}{end}.")
    notes += apart_notes({settings_text(row): ("overall",) for row in comparison.rows if row.is_apart})
    if comparison.unfinished:
        words = "; ".join(f"{word}: {', '.join(map(str, trials))}" for word, trials in comparison.unfinished.items())
        notes.append(f"Trials that did not finish are in no row ({words}).")
    if comparison.repeats:
        listed = ", ".join(map(str, comparison.repeats))
        notes.append(f"Trials that are the same as another one, settings and seed, are in no row ({listed}).")
    return notes


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """All numbers in full, a row for each configuration; trials are separated by blanks."""
    return pd.DataFrame(
        {
            **{SETTING + path: value for path, value in row.settings.items()},
            "trials": " ".join(map(str, row.trials)),
            "runs": len(row.trials),
            **{SCORE + task: score for task, score in row.scores.items()},
            "overall": row.overall,
            "overall_half_width": row.half_width,
            "is_reference": index == comparison.reference,
            "difference": row.difference,
            "difference_half_width": row.difference_half_width,
            "seconds": row.seconds,
            "examples_per_second": row.examples_per_second,
            "trainable_share": row.trainable_share,
            PEAK_MEMORY: row.peak_memory_mib,
        }
        for index, row in enumerate(comparison.rows)
    )


def _table(caption: str, comparison: Comparison, columns: dict[str, list[str]]) -> Table:
    paths = dict.fromkeys(path for row in comparison.rows for path in row.settings)
    settings = {
        path: [rounded(row.settings[path]) if path in row.settings else "" for row in comparison.rows] for path in paths
    } or {"": [settings_text(row) for row in comparison.rows]}
    shown = {heading: cells for heading, cells in columns.items() if any(cells)}
    return Table(caption, (*settings, *shown), tuple(zip(*settings.values(), *shown.values(), strict=True)))


def _results(comparison: Comparison) -> dict[str, list[str]]:
    rows = comparison.rows
    columns = {
        "runs": [str(len(row.trials)) for row in rows],
        "overall": [_with_interval(f"{row.overall:.4f}", row.half_width) for row in rows],
    }
    return columns | ({"difference": [_difference(row) for row in rows]} if len(rows) > 1 else {})


def _details(comparison: Comparison) -> dict[str, list[str]]:
    rows = comparison.rows
    columns = {task: [f"{row.scores[task]:.3f}" for row in rows] for task in rows[0].scores}
    shares = [None if row.trainable_share is None else 100 * row.trainable_share for row in rows]
    return columns | {
        "seconds": [f"{row.seconds:.{0 if row.seconds >= 10 else 1}f}" for row in rows],
        "examples/s": ["" if row.examples_per_second is None else f"{row.examples_per_second:.0f}" for row in rows],
        "trainable %": ["" if share is None else f"{share:.3g}" for share in shares],
        "peak MiB": ["" if row.peak_memory_mib is None else f"{row.peak_memory_mib:.0f}" for row in rows],
    }


def _interval_note(comparison: Comparison) -> str:
    one_seed = "every configuration has one seed, so the spread over seeds is not known"
    match comparison.seeds_known, comparison.examples_unknown:
        case True, "":
            return "± is half a 95 % interval: how far other dev examples and other seeds may move the number."
        case False, "":
            return f"± is half a 95 % interval for other dev examples alone: {one_seed}."
        case True, reason:
            return f"± is half a 95 % interval for other seeds alone, not for other dev examples: {reason}."
        case _, reason:
            return f"There are no intervals: {one_seed}; nor is what other dev examples would do: {reason}."


def _with_interval(number: str, half_width: float | None) -> str:
    return number if half_width is None else f"{number} ± {half_width:.4f}"


def _difference(row: ComparisonRow) -> str:
    if row.difference is None:
        return "reference"
    return _with_interval(f"{row.difference:+.4f}", row.difference_half_width)
