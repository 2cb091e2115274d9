"""Write the page and the table of score against cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from search.display.pages import figure_div, render_page
from search.display.values import rounded
from search.pareto.costs import COSTS
from search.pareto.figure import tradeoff_figure
from search.pareto.tradeoff import Tradeoff, cost_value
from search.recorded.provenance import code_version
from search.recorded.trial_columns import SCORE, SETTING
from search.recorded.trial_table import is_missing

__all__ = ["front_table", "varying_settings", "write_pareto"]


def write_pareto(study: str, trades: Sequence[Tradeoff], notes: Sequence[str], out: Path) -> list[Path]:
    """Write ``pareto.html`` (self-contained) and ``pareto.csv``, the fronts, below ``out``; returns their paths."""
    panels = [
        {
            "title": COSTS[trade.cost],
            "figure": figure_div(tradeoff_figure(trade), COSTS[trade.cost]),
            "table": front_table(trade).to_html(index=False, border=0),
        }
        for trade in trades
    ]
    page = render_page(
        "pareto/pareto.html.jinja",
        study=study,
        panels=panels,
        notes=notes,
        origin=f"onebert {code_version()}, study {study}",
    )
    out.mkdir(parents=True, exist_ok=True)
    files = {"pareto.html": page, "pareto.csv": _fronts(trades).to_csv(index=False)}
    for name, content in files.items():
        (out / name).write_text(content, encoding="utf-8")
    return [out / name for name in files]


def varying_settings(front: pd.DataFrame) -> list[str]:
    """Return the columns of settings in which the trials of the front differ."""
    return [name for name in front.columns if name.startswith(SETTING) and front[name].nunique(dropna=False) > 1]


def front_table(trade: Tradeoff) -> pd.DataFrame:
    """Return the front for people: trial, cost, overall, each task's score, and the settings that differ."""
    front, settings = trade.front, varying_settings(trade.front)
    scores = [name for name in front.columns if name.startswith(SCORE)]
    shown = pd.DataFrame(
        {
            "trial": front["trial"].map(str),
            trade.cost: front[trade.cost].map(cost_value),
            "overall": front["overall"].map(lambda value: f"{value:.4f}"),
            **{name.removeprefix(SCORE): front[name].map(lambda value: f"{value:.4f}") for name in scores},
            **{name.removeprefix(SETTING): front[name].map(_cell) for name in settings},
        }
    )
    return shown.reset_index(drop=True)


def _cell(value: object) -> str:
    return "" if is_missing(value) else rounded(value)


def _fronts(trades: Sequence[Tradeoff]) -> pd.DataFrame:
    """Concatenate the fronts with all columns of the table of trials, preceded by the name of the cost."""
    fronts = []
    for trade in trades:
        front = trade.front.copy()
        front.insert(0, "cost", trade.cost)
        fronts.append(front)
    return pd.concat(fronts)
