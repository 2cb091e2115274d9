"""List the trials in a table for people."""

from __future__ import annotations

import pandas as pd

from search.recorded.trial_columns import (
    FORWARD_EXAMPLES,
    PARAMETERS,
    PEAK_MEMORY,
    PRETRAINING_EXAMPLES,
    SCORE,
    SETTING,
    TRAINABLE,
)
from search.trials.record import REPEAT_OF

__all__ = ["trial_listing"]


def trial_listing(table: pd.DataFrame) -> pd.DataFrame:
    """Return the trials, best first, with rounded numbers and short headings, without columns that are empty."""
    shown = table.sort_values("overall", ascending=False, na_position="last")
    shown[TRAINABLE] = 100 * shown[TRAINABLE] / shown[PARAMETERS]
    shown = shown.drop(columns=[PARAMETERS, REPEAT_OF]).rename(columns=_HEADINGS)
    shown = shown.rename(columns=lambda name: name.removeprefix(SCORE).removeprefix(SETTING))
    costs = _HEADINGS.values()
    empty = [name for name in costs if shown[name].isna().all()] + ["reason"] * (not shown["reason"].any())
    empty += [_PRETRAINING] * (not shown[_PRETRAINING].fillna(0).any())
    return shown.drop(columns=empty).map(_cell)


_PRETRAINING = "pretraining examples"
_HEADINGS = {
    FORWARD_EXAMPLES: "forward examples",
    PRETRAINING_EXAMPLES: _PRETRAINING,
    TRAINABLE: "trainable %",
    PEAK_MEMORY: "peak MiB",
}


def _cell(value: str | float | None) -> str | float:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return value
