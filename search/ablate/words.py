"""An ablation in sentences, as tables of strings, and as numbers for a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

import pandas as pd

from core.config import RunConfig
from search.ablate.outcome import OVERALL, AblationOutcome, RowOutcome, Scores
from search.ablate.plan import WINNER, AblationPlan
from search.analysis.apart_words import apart_words
from search.analysis.seed_intervals import Difference
from search.analysis.seed_words import interval_note
from search.display.table import Table
from search.display.values import rounded
from search.recorded.trial_table import SCORE

__all__ = [
    "ablation_frame",
    "notes",
    "overall_table",
    "plan_table",
    "sentences",
    "task_gains_table",
    "task_means_table",
]


def plan_table(plan: AblationPlan) -> Table:
    """What is trained beside the winner: a row for each technique, with the settings that change."""
    rows = tuple((row.row, _changes(row.changes), ", ".join(row.along)) for row in plan.rows)
    return _without_empty(Table("", ("run", "what is changed", "also off, as it needs the first"), rows))


def overall_table(outcome: AblationOutcome) -> Table:
    """Of every run: what the technique brings, the time without it, and mean ± standard deviation over the seeds."""
    rows = [(WINNER, "", "1.00", _mean(outcome.winner, OVERALL, 4), str(len(outcome.winner.trials)))]
    for row in outcome.rows:
        gain, time = _gain(row.gains.get(OVERALL), 4), "" if row.time is None else f"{row.time:.2f}"
        mean, runs = ("", "0") if row.scores is None else (_mean(row.scores, OVERALL, 4), str(len(row.scores.trials)))
        rows.append((row.ablation.row, gain, time, mean, runs))
    return Table(
        "Overall, mean over the seeds", ("run", "the winner's gain", "time", "overall ± sd", "seeds"), tuple(rows)
    )


def task_gains_table(outcome: AblationOutcome) -> Table:
    """What each technique brings in each task."""
    rows = tuple((row.ablation.row, *(_gain(row.gains.get(task), 3) for task in outcome.tasks)) for row in outcome.rows)
    return Table(
        "What each technique brings, task by task", ("run", *(f"{task}: gain" for task in outcome.tasks)), rows
    )


def task_means_table(outcome: AblationOutcome) -> Table:
    """Mean ± standard deviation of each task over the seeds."""
    scored = [(WINNER, outcome.winner), *((row.ablation.row, row.scores) for row in outcome.rows)]
    rows = tuple(
        (label, *("" if scores is None else _mean(scores, task, 3) for task in outcome.tasks))
        for label, scores in scored
    )
    return Table("The tasks' scores, mean over the seeds", ("run", *(f"{task} ± sd" for task in outcome.tasks)), rows)


def sentences(outcome: AblationOutcome) -> list[str]:
    """What helps, what harms, and what shows nothing, the largest gain first."""
    scored = [row for row in outcome.rows if row.gains]
    helps, harms, unclear = (
        [row for row in scored if row.gains[OVERALL].verdict == verdict] for verdict in ("helps", "harms", "unclear")
    )
    lines = [_basis(outcome), *(_helps(row, outcome.tasks) for row in helps), *(map(_harms, reversed(harms)))]
    if unclear:
        lines.append(f"No evidence that these help: {_names(unclear)}.{_cheaper(unclear)}")
    return lines


def notes(outcome: AblationOutcome) -> list[str]:
    """How to read the numbers, and what is not in them."""
    intervals = interval_note(outcome.seeds_known, outcome.examples_unknown)
    lines = [
        "A gain is the winner's mean minus that of the same run without the technique, on the same seeds and dev "
        f"examples. {intervals} Each interval is for its own row: of twenty techniques that do nothing, "
        "one may seem to do something.",
        "Time is that of a run without the technique, as a multiple of the winner's.",
    ]
    if _stages(outcome.plan.config):
        lines[-1] += " Further pretraining is not in it: runs share their stages."
    if smallest := _smallest(outcome):
        lines.insert(1, f"Gains below about {smallest:.4f} in overall cannot be told from chance with these runs.")
    lines += apart_words({f"'{run}'": scores for run, scores in outcome.apart.items()})
    if outcome.missing:
        lines.append(f"{outcome.missing} of the runs have not finished, and are in no number.")
    return lines


def ablation_frame(outcome: AblationOutcome) -> pd.DataFrame:
    """All numbers in full, the winner first; trials are separated by blanks."""
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


def _gain(gain: Difference | None, digits: int) -> str:
    if gain is None:
        return ""
    return f"{gain.value:+.{digits}f}" + ("" if gain.half_width is None else f" ± {gain.half_width:.{digits}f}")


def _mean(scores: Scores, name: str, digits: int) -> str:
    spread = scores.spreads.get(name)
    return f"{scores.means[name]:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def _basis(outcome: AblationOutcome) -> str:
    seeds = len(outcome.winner.trials)
    spread = outcome.winner.spreads.get(OVERALL)
    sd = "" if spread is None else f" (standard deviation {spread:.4f})"
    who, how_often = _capital(outcome.plan.winner), f"{seeds} fresh seed{'s' if seeds > 1 else ''}"
    return f"{who}, trained again with {how_often}, has overall {outcome.winner.means[OVERALL]:.4f}{sd}."


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _helps(row: RowOutcome, tasks: Sequence[str]) -> str:
    clear = [f"{task} {_gain(row.gains[task], 3)}" for task in tasks if row.gains[task].verdict != "unclear"]
    where = f" ({', '.join(clear)})" if clear else ""
    with_it = f" They go with it: {', '.join(row.ablation.along)}." if row.ablation.along else ""
    return f"{_name(row)}: {_gain(row.gains[OVERALL], 4)} overall{where}{_saved(row)}.{with_it}"


def _harms(row: RowOutcome) -> str:
    return f"{_name(row)} does harm: {_gain(row.gains[OVERALL], 4)} overall. Leave it out{_saved(row)}."


def _saved(row: RowOutcome) -> str:
    return f"; without it a run takes {row.time:.2f} of the time" if row.is_cheaper else ""


def _cheaper(rows: Sequence[RowOutcome]) -> str:
    saving = sorted((row for row in rows if row.is_cheaper), key=lambda row: row.time or 0.0)
    if not saving:
        return ""
    words = ", ".join(f"{row.ablation.row} ({row.time:.2f} of the time)" for row in saving)
    together = "; off together, they have not been trained" if len(saving) > 1 else ""
    return f" Runs are cheaper {words}{together}."


def _names(rows: Sequence[RowOutcome]) -> str:
    return ", ".join(map(_name, rows))


def _name(row: RowOutcome) -> str:
    return " with ".join(row.ablation.techniques)


def _smallest(outcome: AblationOutcome) -> float | None:
    """The usual half width of the intervals of overall."""
    widths = [row.gains[OVERALL].half_width for row in outcome.rows if row.gains]
    known = [width for width in widths if width is not None]
    return median(known) if known else None


def _stages(config: RunConfig) -> bool:
    return bool(config.pretraining.stages)


def _without_empty(table: Table) -> Table:
    """Without columns that hold nothing."""
    kept = [index for index in range(len(table.headings)) if any(row[index] for row in table.rows)]
    rows = tuple(tuple(row[index] for index in kept) for row in table.rows)
    return Table(table.caption, tuple(table.headings[index] for index in kept), rows)
