"""Show a comparison of configurations as tables, notes, and numbers for a CSV file."""

from __future__ import annotations

import pandas as pd

from search.analysis.seed_comparison import Comparison, ComparisonRow
from search.analysis.seed_intervals import apart_notes, interval_note
from search.display.table import Table
from search.display.values import plus_minus, rounded
from search.recorded.trial_columns import PEAK_MEMORY, SCORE, SETTING, TRAINABLE

__all__ = ["comparison_frame", "comparison_notes", "comparison_table", "narrow_tables", "settings_text"]


def settings_text(row: ComparisonRow) -> str:
    """List a configuration's settings: ``variant = cooking, optim.learning_rate = 2e-05``; ``base`` if only the seed
    is searched.
    """
    return ", ".join(f"{path} = {rounded(value)}" for path, value in row.settings.items()) or "base"


def comparison_table(comparison: Comparison) -> Table:
    """Make a table with a row for each configuration, the best first; columns without any value are left out."""
    return _table("", comparison, _results(comparison) | _details(comparison))


def narrow_tables(comparison: Comparison) -> tuple[Table, Table]:
    """Make two narrower tables for a terminal: results with intervals, then task scores and costs."""
    results, details = _results(comparison), _details(comparison)
    return _table("Configurations, mean over their seeds", comparison, results), _table("", comparison, details)


def comparison_notes(comparison: Comparison) -> list[str]:
    """Explain the intervals, how to read the differences, and which trials are not included."""
    notes = [interval_note(comparison.seeds_known, comparison.examples_unknown)]
    if len(comparison.rows) > 1:
        reference = settings_text(comparison.rows[comparison.reference])
        paired = ", paired by dev examples: a difference may be clear although two intervals of overall overlap"
        end = "" if comparison.examples_unknown else paired
        notes.append(f"Differences are in the overall score, relative to {reference}{end}.")
    notes += apart_notes({settings_text(row): ("overall",) for row in comparison.rows if row.is_apart})
    if comparison.unfinished:
        words = "; ".join(f"{word}: {', '.join(map(str, trials))}" for word, trials in comparison.unfinished.items())
        notes.append(f"Trials that did not finish are not included ({words}).")
    if comparison.repeats:
        listed = ", ".join(map(str, comparison.repeats))
        notes.append(f"Trials that repeat another one, settings and seed, are not included ({listed}).")
    return notes


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Return unrounded numbers, a row for each configuration; trials are separated by blanks."""
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
            TRAINABLE: row.trainable_parameters,
            "examples": row.examples,
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
        "overall": [plus_minus(row.overall, row.half_width) for row in rows],
    }
    return columns | ({"difference": [_difference(row) for row in rows]} if len(rows) > 1 else {})


def _details(comparison: Comparison) -> dict[str, list[str]]:
    rows = comparison.rows
    columns = {task: [f"{row.scores[task]:.3f}" for row in rows] for task in rows[0].scores}
    shares = [None if row.trainable_share is None else 100 * row.trainable_share for row in rows]
    lengths = [None if row.examples is None else round(row.examples) for row in rows]
    if len(set(lengths)) > 1:  # variants may have lengths of their own
        columns["examples"] = ["" if length is None else f"{length:,}" for length in lengths]
    return columns | {
        "seconds": [f"{row.seconds:.{0 if row.seconds >= 10 else 1}f}" for row in rows],
        "examples/s": ["" if row.examples_per_second is None else f"{row.examples_per_second:.0f}" for row in rows],
        "trainable %": ["" if share is None else f"{share:.3g}" for share in shares],
        "peak MiB": ["" if row.peak_memory_mib is None else f"{row.peak_memory_mib:.0f}" for row in rows],
    }


def _difference(row: ComparisonRow) -> str:
    if row.difference is None:
        return "reference"
    return plus_minus(row.difference, row.difference_half_width, sign=True)
