"""The section on all trials: a table of them, and what the page shows when one is opened."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from search.analysis.expected_text import with_expected
from search.display.figure_style import lay_out
from search.display.table import Table
from search.display.values import cost_text, duration, rounded
from search.recorded.trial_columns import (
    FORWARD_EXAMPLES,
    PARAMETERS,
    PEAK_MEMORY,
    PRETRAINING_EXAMPLES,
    SCORE,
    SETTING,
    TRAINABLE,
    TRAINABLE_SHARE,
)
from search.recorded.trial_table import is_missing
from search.report.context import ReportContext
from search.report.parts import Note, ReportSection, TrialBrowser
from search.trials.folders import ERROR
from search.trials.record import REPEAT_OF, TrialRecord

__all__ = ["trial_listing", "trials_section"]

_PRETRAINING = "pretraining examples"
_HEADINGS = {
    FORWARD_EXAMPLES: "forward examples",
    PRETRAINING_EXAMPLES: _PRETRAINING,
    TRAINABLE: "trainable",
    TRAINABLE_SHARE: "trainable %",
    PEAK_MEMORY: "peak MiB",
}
_LONGEST = 1500  # last characters of an error
_ERRORS = 50  # trials whose errors are included


def trials_section(context: ReportContext) -> ReportSection:
    """Make the section with one row per trial, the best first; ``trials.csv`` has all columns."""
    partly = [number for number, record in context.records.items() if record.dev_share < 1.0]
    shown = trial_listing(context.table, partly).astype(str)
    table = Table("", tuple(shown.columns), tuple(tuple(row) for row in shown.to_numpy().tolist()))
    note = "Best first. On the page, click a row to open its trial: learning curves, settings and cost."
    if partly:
        of_part = "only a part of dev had been scored (eval.early_share)"
        early = "not all folds had been trained" if context.is_over_folds else of_part
        note += f" Trials that were pruned when {early} come last."
    frame = with_expected(context.table, context.expected[0])
    return ReportSection(
        "trials", "Trials", (Note(note), TrialBrowser(table, _details(context))), {"trials.csv": frame}
    )


def trial_listing(table: pd.DataFrame, partly_scored: Collection[int] = ()) -> pd.DataFrame:
    """Return the trials, best first, with rounded numbers and short headings, without columns that are empty.

    Args:
        table: of all trials.
        partly_scored: numbers of those with scores on a part of dev only. They come after those that were scored on
            all of dev, and before those without scores.
    """
    shown = table.sort_values("overall", ascending=False, na_position="last")
    place = shown["overall"].isna() * 2 + shown["trial"].isin(list(partly_scored))
    shown = shown.loc[place.sort_values(kind="stable").index]
    shown[TRAINABLE_SHARE] = 100 * shown[TRAINABLE_SHARE]
    shown = shown.drop(columns=[PARAMETERS, REPEAT_OF]).rename(columns=_HEADINGS)
    shown = shown.rename(columns=lambda name: name.removeprefix(SCORE).removeprefix(SETTING))
    costs = _HEADINGS.values()
    empty = [name for name in costs if shown[name].isna().all()] + ["reason"] * (not shown["reason"].any())
    empty += [_PRETRAINING] * (not shown[_PRETRAINING].fillna(0).any())
    return shown.drop(columns=empty).map(_cell)


def _cell(value: str | float | None) -> str | float:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return value


def _details(context: ReportContext) -> dict[str, Any]:
    """Collect for all trials their state, curves by task, settings, cost, and why they ended.

    Returns:
        ``tasks``, ``settings`` (paths), ``best`` (number, as text), ``compare`` (a command with NUMBER in it),
        ``layout`` (of the figure of curves), and ``trials`` by number, as text: ``words``, ``notes``, ``error``,
        ``rungs``, ``curve`` (of overall and of each task, at the rungs) and ``settings`` (texts, in the paths' order).
    """
    table, study = context.table, context.study.study_name
    tasks = [name.removeprefix(SCORE) for name in table.columns if name.startswith(SCORE)]
    settings = [name for name in table.columns if name.startswith(SETTING)]
    values = table[settings].map(lambda value: "" if is_missing(value) else rounded(value))
    shown = dict(zip(table["trial"].tolist(), values.to_numpy().tolist(), strict=True))
    failed = table[table["state"] == "failed"]["trial"].tolist()[:_ERRORS]
    best = "" if context.best is None else str(context.best.number)
    figure = lay_out(go.Figure(), "training examples", "dev score")
    return {
        "tasks": tasks,
        "settings": [name.removeprefix(SETTING) for name in settings],
        "best": best,
        "compare": f"python -m search.compare {study}:NUMBER {study}:{best}{context.where}",
        "layout": figure.to_plotly_json()["layout"],
        "trials": {
            str(number): {
                **_words(record, context.states[number]),
                "error": _error(context, number) if number in failed else "",
                **_curve(context, number, tasks),
                "settings": shown[number],
            }
            for number, record in context.records.items()
        },
    }


def _words(record: TrialRecord, state: str) -> dict[str, Any]:
    result = record.result
    words = [f"{state}, {record.role}"]
    if result.overall is not None and not pd.isna(result.overall):
        scores = ", ".join(f"{task} {score:.4f}" for task, score in result.scores.items())
        words.append(f"overall {result.overall:.4f} at {result.best_rung or 0:,} examples ({scores})")
    notes = [result.reason, f"{duration(result.seconds)}, {result.examples:,} training examples"]
    if result.cost is not None:
        notes.append(cost_text(result.cost))
    return {"words": "; ".join(words), "notes": [note for note in notes if note]}


def _curve(context: ReportContext, number: int, tasks: list[str]) -> dict[str, Any]:
    curve = context.curves[number]
    series = [[point.overall for point in curve], *([point.scores[task] for point in curve] for task in tasks)]
    return {"rungs": [point.rung for point in curve], "curve": series}


def _error(context: ReportContext, number: int) -> str:
    try:
        return (context.folders.path(number) / ERROR).read_text(encoding="utf-8", errors="replace")[-_LONGEST:]
    except OSError:
        return ""
