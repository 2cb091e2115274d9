"""Write the Pareto fronts of a study as page and CSV, and print them in a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from core.run.atomic_files import write_atomically
from data.errors import UserError
from search.analysis.expected_score import estimate_best
from search.analysis.expected_text import estimate_sentences
from search.display.console import make_console
from search.display.csv_text import csv_text
from search.display.pages import figure_div, render_page
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import rounded
from search.pareto.costs import COSTS
from search.pareto.figure import tradeoff_figure
from search.pareto.tradeoff import Tradeoff, cost_value, tradeoff
from search.recorded.disagreements import open_checked_folders
from search.recorded.provenance import code_version
from search.recorded.ranking import contends, open_study
from search.recorded.trial_columns import SCORE, SETTING
from search.recorded.trial_table import is_missing, trial_table

__all__ = ["write_and_show"]


def write_and_show(study: str, cost: str | None, out: Path | None, storage: str | None, runs_dir: Path) -> None:
    """Write the Pareto fronts of a study and print them.

    Args:
        study: name of the recorded study.
        cost: one of :data:`~search.pareto.costs.COSTS`; None for all that the study knows.
        out: folder to write; by default ``runs_dir/STUDY/pareto``.
        storage: URL; None for the default.
        runs_dir: contains the results of all studies.

    Raises:
        UserError: the study has no trial.
    """
    opened = open_study(study, storage, runs_dir)
    folders, table = open_checked_folders(opened, runs_dir), trial_table(opened)
    if table.empty:
        raise UserError(f"study '{study}' has no trials yet")
    contenders = {trial.number for trial in opened.get_trials(deepcopy=False) if contends(trial)}
    trades = [
        tradeoff(table, contenders, name) for name in (_known_costs(table, contenders) if cost is None else [cost])
    ]
    shown, notes = _without_constant(trades)
    notes += estimate_sentences(*estimate_best(opened, folders))
    paths = _write(study, shown, notes, out or runs_dir / study / "pareto")
    console = make_console()
    for trade in shown:
        print_table(console, _terminal_table(trade))
    for line in (*notes, *map(str, paths)):
        console.print(line, soft_wrap=True)


def _known_costs(table: pd.DataFrame, contenders: Collection[int]) -> list[str]:
    """Return the costs that some trial has; studies recorded by earlier versions may have seconds only."""
    finished = table[table["trial"].isin(list(contenders))]
    return [name for name in COSTS if name == "seconds" or finished[name].notna().any()]


def _without_constant(trades: list[Tradeoff]) -> tuple[list[Tradeoff], list[str]]:
    """Drop the costs that are the same for all trials, unless only such are left, and say so in a line."""
    shown = [trade for trade in trades if not trade.is_constant] or trades[:1]
    same = [
        f"{COSTS[trade.cost]} ({cost_value(trade.front[trade.cost].iloc[0])})" for trade in trades if trade.is_constant
    ]
    return shown, [f"All finished trials cost the same in: {'; '.join(same)}."] if same else []


def _terminal_table(trade: Tradeoff) -> Table:
    settings, rows = _varying_settings(trade.front), []
    for (_, row), cells in zip(trade.front.iterrows(), _front_table(trade).itertuples(index=False), strict=True):
        values = {name.removeprefix(SETTING): row[name] for name in settings if not is_missing(row[name])}
        words = ", ".join(f"{path} = {rounded(value)}" for path, value in values.items())
        rows.append((*cells[:3], *([words] if settings else [])))
    headings = ("trial", trade.cost, "overall", *(["settings that differ"] if settings else []))
    return Table(f"Pareto front of overall score and {trade.cost}", headings, tuple(rows))


def _write(study: str, trades: Sequence[Tradeoff], notes: Sequence[str], out: Path) -> list[Path]:
    """Write ``pareto.html`` (self-contained) and ``pareto.csv``, the fronts, below ``out``; returns their paths."""
    panels = [
        {
            "title": COSTS[trade.cost],
            "figure": figure_div(tradeoff_figure(trade), COSTS[trade.cost]),
            "table": _front_table(trade).to_html(index=False, border=0),
        }
        for trade in trades
    ]
    origin = f"onebert {code_version()}, study {study}"
    page = render_page("pareto/pareto.html.jinja", study=study, panels=panels, notes=notes, origin=origin)
    fronts = pd.concat({trade.cost: trade.front for trade in trades}, names=["cost"]).reset_index("cost")
    files = {"pareto.html": page, "pareto.csv": csv_text(fronts)}
    for name, content in files.items():
        write_atomically(out / name, content.encode())
    return [out / name for name in files]


def _varying_settings(front: pd.DataFrame) -> list[str]:
    """Return the columns of settings in which the trials of the front differ."""
    return [name for name in front.columns if name.startswith(SETTING) and front[name].nunique(dropna=False) > 1]


def _front_table(trade: Tradeoff) -> pd.DataFrame:
    """Return the front for people: trial, cost, overall, each task's score, and the settings that differ."""
    front, settings = trade.front, _varying_settings(trade.front)
    scores = [name for name in front.columns if name.startswith(SCORE)]
    cells = front[settings].map(lambda value: "" if is_missing(value) else rounded(value))
    shown = pd.DataFrame(
        {
            "trial": front["trial"].map(str),
            trade.cost: front[trade.cost].map(cost_value),
            "overall": front["overall"].map(lambda value: f"{value:.4f}"),
            **{name.removeprefix(SCORE): front[name].map(lambda value: f"{value:.4f}") for name in scores},
            **{name.removeprefix(SETTING): cells[name] for name in settings},
        }
    )
    return shown.reset_index(drop=True)
