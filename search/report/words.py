"""What a study found, in words; the report's first lines."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from search.first_trials import DEFAULT
from search.progress import duration
from search.trial_record import REPEAT_OF
from search.trial_table import (
    FORWARD_EXAMPLES,
    PARAMETERS,
    PEAK_MEMORY,
    PRETRAINING_EXAMPLES,
    SCORE,
    SETTING,
    TRAINABLE,
    winnable,
)

__all__ = ["answer", "shown_table"]


def answer(table: pd.DataFrame, expected: Sequence[str] = ()) -> list[str]:
    """The winner, what it gained over the default configuration, what it cost, and how far to trust it.

    Args:
        table: of trials.
        expected: what is to be expected of the winner on new data; empty if that is not known.
    """
    finished = winnable(table)
    states = table["state"].value_counts()
    cost = (
        f"{len(table)} trials ({', '.join(f'{count} {state}' for state, count in states.items())}) took "
        f"{duration(float(table['seconds'].sum()))} of training and {int(table['examples'].sum()):,} training examples."
    )
    stages = int(table[PRETRAINING_EXAMPLES].fillna(0).max())
    if stages:
        cost += f" Further pretraining comes on top, of up to {stages:,} examples a trial; trials share its stages."
    if finished.empty:
        none = "No finished trial meets the floors." if "complete" in states else "No trial has finished yet."
        return [none, cost]
    best = finished.iloc[int(finished["overall"].astype(float).argmax())]
    scores = ", ".join(f"{c.removeprefix(SCORE)} {best[c]:.3f}" for c in table.columns if c.startswith(SCORE))
    lines = [f"Trial {best['trial']} is the best: overall {best['overall']:.4f} on dev ({scores})."]
    default = table[(table["role"] == DEFAULT) & table["overall"].notna()]
    if not default.empty and default.iloc[0]["trial"] != best["trial"]:
        gain = best["overall"] - default.iloc[0]["overall"]
        lines.append(f"That is {gain:+.4f} against the default configuration ({default.iloc[0]['overall']:.4f}).")
    elif not default.empty:
        lines.append("It is the default configuration: nothing that was tried did better.")
    too_good = [
        f"It is the best of {int(finished[REPEAT_OF].isna().sum())} finished trials on the same dev examples, so it is "
        "somewhat too good: expect less on new data, and take differences below half a point of overall for noise.",
    ]
    return [lines[0], *expected, *lines[1:], cost, *([] if expected else too_good)]


def shown_table(table: pd.DataFrame) -> pd.DataFrame:
    """The trials, best first, with rounded numbers and short headings; costs and reasons only if there are any."""
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
