"""Show a study's trials as a table with one row per trial."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pandas as pd

from core.run.cost import Cost
from search.recorded.space import stored_space
from search.recorded.trial_columns import COUNTS, MEETS_FLOORS, PEAK_MEMORY, SCORE, SETTING, TRAINABLE_SHARE
from search.space.space import Space
from search.trials.floors import is_feasible
from search.trials.record import REPEAT_OF, TrialRecord

__all__ = ["is_missing", "trial_table", "winnable"]

_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "WAITING": "waiting"}


def trial_table(study: optuna.Study) -> pd.DataFrame:
    """Return a table of number, state, role, repeated trial, overall, task scores, searched settings, cost and reason.

    Score columns are named ``score TASK``, settings ``setting PATH``. Scores of running and waiting trials, and costs
    that were not recorded, are empty. ``overall`` is that of a trial's best rung, also for pruned trials. Only studies
    with floors have the column ``meets_floors``.
    """
    rows: list[dict[str, Any]] = []
    space: Space | None = None
    for trial in study.get_trials(deepcopy=False):
        record = TrialRecord.read(trial)
        row: dict[str, Any] = {
            "trial": record.number,
            "state": _STATES.get(trial.state.name, "running"),
            "role": record.role,
            REPEAT_OF: record.repeat_of,
            "overall": record.result.overall,
        }
        row |= {SCORE + task: score for task, score in record.result.scores.items()}
        if record.config is not None:
            space = space or stored_space(study, record.config)
            row |= {SETTING + path: value for path, value in space.chosen(record.config).items()}
        row |= {
            "best_rung": record.result.best_rung,
            "examples": record.result.examples,
            "seconds": record.result.seconds,
            **_cost_columns(record.result.cost),
            "reason": record.result.reason,
        }
        if trial.constraints:
            row[MEETS_FLOORS] = is_feasible(trial)
        rows.append(row)
    table = pd.DataFrame(rows)
    # Integers, some of which may be missing.
    return table.astype(dict.fromkeys((REPEAT_OF, *COUNTS), "Int64")) if rows else table


def is_missing(value: object) -> bool:
    """Return whether a trial has no such setting, or no such number."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def winnable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of finished trials that meet the study's floors."""
    finished = table[table["state"] == "complete"]
    return finished[finished[MEETS_FLOORS].eq(True)] if MEETS_FLOORS in table else finished


def _cost_columns(cost: Cost | None) -> dict[str, float | None]:
    return {name: None if cost is None else getattr(cost, name) for name in (*COUNTS, TRAINABLE_SHARE, PEAK_MEMORY)}
