"""Make tables of an ablation, and its numbers for a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import pandas as pd

from search.ablate.outcome import OVERALL, AblationOutcome, Scores
from search.ablate.plan import WINNER, AblationPlan
from search.analysis.seed_intervals import Difference
from search.display.table import Table
from search.display.values import plus_minus, rounded
from search.recorded.trial_columns import SCORE

__all__ = ["ablation_frame", "gain_text", "overall_table", "plan_table", "task_gains_table", "task_means_table"]


def plan_table(plan: AblationPlan) -> Table:
    """Make a table of what is trained besides the winner: a row for each technique, with the settings that change."""
    rows = tuple((row.row, _changes(row.changes), ", ".join(row.along)) for row in plan.rows)
    return _without_empty(Table("", ("run", "changed settings", "also off (dependent)"), rows))


def overall_table(outcome: AblationOutcome) -> Table:
    """Make a table with each run's gain, relative time, and mean ± standard deviation over the seeds."""
    rows = [(WINNER, "", "1.00", _mean(outcome.winner, OVERALL, 4), str(len(outcome.winner.trials)))]
    for row in outcome.rows:
        gain, time = gain_text(row.gains.get(OVERALL), 4), "" if row.time is None else f"{row.time:.2f}"
        mean, runs = ("", "0") if row.scores is None else (_mean(row.scores, OVERALL, 4), str(len(row.scores.trials)))
        rows.append((row.ablation.row, gain, time, mean, runs))
    return Table(
        "Overall score, mean over the seeds",
        ("run", "gain of the winner", "time", "overall ± sd", "seeds"),
        tuple(rows),
    )


def task_gains_table(outcome: AblationOutcome) -> Table:
    """Make a table of what each technique contributes to each task."""
    rows = tuple(
        (row.ablation.row, *(gain_text(row.gains.get(task), 3) for task in outcome.tasks)) for row in outcome.rows
    )
    return Table("Contribution of each technique by task", ("run", *(f"{task}: gain" for task in outcome.tasks)), rows)


def task_means_table(outcome: AblationOutcome) -> Table:
    """Make a table of each task's mean ± standard deviation over the seeds."""
    scored = [(WINNER, outcome.winner), *((row.ablation.row, row.scores) for row in outcome.rows)]
    rows = tuple(
        (label, *("" if scores is None else _mean(scores, task, 3) for task in outcome.tasks))
        for label, scores in scored
    )
    return Table("Task scores, mean over the seeds", ("run", *(f"{task} ± sd" for task in outcome.tasks)), rows)


def ablation_frame(outcome: AblationOutcome) -> pd.DataFrame:
    """Return unrounded numbers, the winner first; trials are separated by blanks."""
    records = [{"run": WINNER, "technique": "", "changed": "", "also_off": "", **_numbers(outcome.winner), "time": 1.0}]
    for row in outcome.rows:
        record = {
            "run": row.ablation.row,
            "technique": ", ".join(row.ablation.techniques),
            "changed": _changes(row.ablation.changes),
            "also_off": ", ".join(row.ablation.along),
            **({} if row.scores is None else _numbers(row.scores)),
        }
        for name, gain in row.gains.items():
            record |= {f"gain {name}": gain.value, f"gain_half_width {name}": gain.half_width}
        records.append({**record, "time": row.time})
    return pd.DataFrame(records)


def _numbers(scores: Scores) -> dict[str, object]:
    found: dict[str, object] = {"trials": " ".join(map(str, scores.trials)), "seeds": len(scores.trials)}
    for name, mean in scores.means.items():
        label = name if name == OVERALL else SCORE + name
        found |= {label: mean, f"{label} sd": scores.spreads.get(name)}
    return found | {"seconds": fmean(scores.seconds), "examples_per_second": scores.examples_per_second}


def _changes(changes: Sequence[tuple[str, object, object]]) -> str:
    return "; ".join(f"{path}: {rounded(was)} → {rounded(now)}" for path, was, now in changes)


def gain_text(gain: Difference | None, digits: int) -> str:
    """Write a gain as ``+0.0210 ± 0.0100``; empty if there is none."""
    return "" if gain is None else plus_minus(gain.value, gain.half_width, digits, sign=True)


def _mean(scores: Scores, name: str, digits: int) -> str:
    return plus_minus(scores.means[name], scores.spreads.get(name), digits)


def _without_empty(table: Table) -> Table:
    """Drop the columns without any value."""
    kept = [index for index in range(len(table.headings)) if any(row[index] for row in table.rows)]
    rows = tuple(tuple(row[index] for index in kept) for row in table.rows)
    return Table(table.caption, tuple(table.headings[index] for index in kept), rows)
