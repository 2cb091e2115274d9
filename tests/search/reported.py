"""Trials, tables and studies for tests of what a report says."""

from __future__ import annotations

from typing import Any

import optuna
import pandas as pd

from core.config import RunConfig
from search.driver.retries import RETRIES
from search.recorded.study import IDENTITY
from search.study.first_trials import DEFAULT
from search.trials.record import ROLE, FinishedTrial, TrialResult
from tests.search.planted import BASE, runs, study_of

COLUMNS = ("trial", "state", "repeat_of", "overall", "examples", "seconds", "pretraining_examples", "reason")


def table_of(*rows: tuple[Any, ...], **columns: list[Any]) -> pd.DataFrame:
    """Return a table of trials from rows with a value for each of ``COLUMNS``."""
    return pd.DataFrame(rows, columns=list(COLUMNS)).assign(**columns)


def record(number: int, overall: float | None = None, examples: int = 1000) -> FinishedTrial:
    config = RunConfig.model_validate(BASE.model_dump() | {"budget": {"examples": examples}})
    scores = {} if overall is None else {"sst": overall}
    return FinishedTrial(number, "proposed", config, TrialResult(overall, scores, 100, 100, 1.0))


def a_study(*overalls: float, default: int | None = 0) -> optuna.Study:
    """Return finished trials of a planted space, one of them the default; the last was interrupted twice."""
    configs = runs(len(overalls))
    study = study_of(configs, [{100: overall} for overall in overalls], [False] * len(overalls))
    marked = optuna.create_study(direction="maximize")
    marked.set_user_attr(IDENTITY, study.user_attrs[IDENTITY])
    for trial in study.trials:
        trial.user_attrs |= {ROLE: DEFAULT} if trial.number == default else {}
        if trial.number == len(overalls) - 1:
            trial.user_attrs[RETRIES] = {"rung": 0, "crashes": 2, "losses": 0}
        marked.add_trial(trial)
    return marked


TABLE = table_of(
    (0, "complete", None, 0.60, 1000, 100.0, 0, ""),
    (1, "pruned", None, 0.50, 250, 50.0, 0, "pruned"),
    (2, "pruned", 1, 0.50, 0, 0.0, 0, "same as trial 1"),
    (3, "failed", None, None, 0, 5.0, 0, "no"),
    (4, "complete", None, 0.64, 1000, 100.0, 0, ""),
)
