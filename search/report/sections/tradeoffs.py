"""The section on trade-offs between tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from search.analysis.tradeoffs.correlations import (
    FirstRung,
    TaskPair,
    first_rung,
    larger_is_better,
    scored_tasks,
    share_column,
    task_pairs,
    task_shares,
    without_repeats,
)
from search.analysis.tradeoffs.sentences import (
    correlation_text,
    first_rung_sentence,
    pair_sentences,
    share_sentences,
    shortfall_sentences,
)
from search.analysis.tradeoffs.shortfalls import nondominated, winner_shortfalls
from search.display.figure_style import STATE_COLOURS, lay_out
from search.display.table import Table
from search.recorded.trial_columns import SCORE
from search.recorded.trial_table import winnable
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, Part, ReportSection

__all__ = ["tradeoffs_section"]

_CHARTS = 6  # of pairs, those with the clearest correlations
_FRONT_SHOWN = 10
_FRONT, _WINNER = "#2a9d5c", "#c8443c"


def tradeoffs_section(context: ReportContext) -> ReportSection | None:
    """Make the section: competing tasks, and what the winner gives up; None with one task or one finished trial."""
    table = without_repeats(context.table)
    tasks, finished = scored_tasks(table), winnable(table)
    if len(tasks) < 2 or len(finished) < 2 or context.best is None:
        return None
    specs = {name: task.spec for name, task in context.best.config.tasks.items()}
    oriented = larger_is_better(context.table, specs)
    early = first_rung(context.table, context.curves, specs)
    pairs = task_pairs(oriented, early)
    scores = larger_is_better(finished, specs)[[SCORE + task for task in tasks]]
    on_front = finished[nondominated(scores.to_numpy(dtype=np.float64))]
    numbers, winner = frozenset(on_front["trial"].tolist()), context.best.number
    parts: list[Part] = [*pair_sentences(pairs)]
    if early is not None and (words := first_rung_sentence(pairs, early)):
        parts.append(words)
    parts += shortfall_sentences(
        winner_shortfalls(context.study, context.table, context.best, context.folders, context.data), winner
    )
    parts += [
        Note(
            "Intervals are 95 %. What the winner gives up has an interval for other dev examples, and is "
            "overestimated: the best of many trials on a task is partly the best by luck."
        ),
        _front_table(on_front, len(finished), tasks),
        *(
            Chart(_pair_figure(table, pair.a, pair.b, numbers, winner), f"{pair.b} against {pair.a}")
            for pair in pairs[:_CHARTS]
        ),
        *_share_parts(table, oriented, early),
    ]
    if len(pairs) > 1:
        parts.append(Fold("All pairs of tasks", (_pair_table(pairs),)))
    return ReportSection("tradeoffs", "Trade-offs between tasks", tuple(parts), {"tradeoffs.csv": _frame(pairs)})


def _front_table(front: pd.DataFrame, finished: int, tasks: Sequence[str]) -> Table:
    best = front.sort_values("overall", ascending=False).head(_FRONT_SHOWN)
    rows = tuple(
        (str(row["trial"]), *(f"{row[name]:.4f}" for name in ("overall", *(SCORE + task for task in tasks))))
        for _, row in best.iterrows()
    )
    which = f"best {len(best)} of {len(front)}" if len(front) > len(best) else str(len(front))
    caption = (
        f"Pareto front ({which} of {finished} finished trials): no other trial is as good on all tasks and better on "
        "one"
    )
    return Table(caption, ("trial", "overall", *tasks), rows)


def _share_parts(table: pd.DataFrame, oriented: pd.DataFrame, early: FirstRung | None) -> list[Part]:
    shares = task_shares(oriented, early)
    charts = (Chart(_share_figure(table, one.task), f"{one.task} over its loss weight") for one in shares[:_CHARTS])
    return [*share_sentences(shares, early), *charts]


def _pair_table(pairs: Sequence[TaskPair]) -> Table:
    rows = tuple(
        (f"{pair.a}, {pair.b}", *("" if one is None else correlation_text(one) for one in (pair.finished, pair.early)))
        for pair in pairs
    )
    return Table("Spearman's rank correlation", ("tasks", "finished trials", "all trials at the first rung"), rows)


def _frame(pairs: Sequence[TaskPair]) -> pd.DataFrame:
    rows = []
    for pair in pairs:
        row: dict[str, object] = {"a": pair.a, "b": pair.b, "trials": pair.trials}
        for name, one in (("spearman", pair.finished), ("spearman_first_rung", pair.early)):
            values = (None, None, None) if one is None else (one.value, one.low, one.high)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _pair_figure(table: pd.DataFrame, a: str, b: str, front: frozenset[int], winner: int | None) -> go.Figure:
    """Draw scores in task ``b`` over those in ``a``; rings mark the front over all tasks, a star the winner."""
    figure = _states(table, SCORE + a, SCORE + b)
    marked = {"front": (front, "circle-open", _FRONT, 13), "winner": ({winner} - {None}, "star", _WINNER, 14)}
    for name, (numbers, symbol, colour, size) in marked.items():
        part = table[table["trial"].isin(list(numbers))]
        figure.add_scatter(
            x=part[SCORE + a].tolist(),
            y=part[SCORE + b].tolist(),
            mode="markers",
            name=name,
            marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 2 if "open" in symbol else 0}},
            hoverinfo="skip",
        )
    return lay_out(figure, f"{a}, dev score", f"{b}, dev score")


def _share_figure(table: pd.DataFrame, task: str) -> go.Figure:
    """Draw the score of a task over its share of the loss."""
    return lay_out(_states(table, share_column(task), SCORE + task), f"loss weight of {task}", f"{task}, dev score")


def _states(table: pd.DataFrame, x: str, y: str) -> go.Figure:
    """Draw finished trials as points and pruned ones as circles."""
    figure = go.Figure()
    for state, symbol in (("pruned", "circle-open"), ("complete", "circle")):
        part = table[(table["state"] == state) & table[x].notna() & table[y].notna()]
        figure.add_scatter(
            x=part[x].tolist(),
            y=part[y].tolist(),
            mode="markers",
            name=state,
            marker={"color": STATE_COLOURS[state], "size": 8, "symbol": symbol},
            text=[
                f"trial {number}, overall {overall:.4f}"
                for number, overall in zip(part["trial"], part["overall"], strict=True)
            ],
        )
    return figure
