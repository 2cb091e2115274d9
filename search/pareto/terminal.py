"""Write the Pareto fronts of a study and print them in a terminal."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
from rich.console import Console

from data.errors import UserError
from search.analysis.expected_score import estimate_best
from search.analysis.expected_text import estimate_sentences
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import rounded
from search.pareto.costs import COSTS
from search.pareto.files import front_table, varying_settings, write_pareto
from search.pareto.tradeoff import Tradeoff, cost_value, tradeoff
from search.recorded.ranking import contends, open_study
from search.recorded.trial_columns import SETTING
from search.recorded.trial_table import is_missing, trial_table
from search.trials.folders import TrialFolders

__all__ = ["write_and_show"]


def write_and_show(study: str, cost: str | None, out: Path | None, storage: str | None, runs_dir: Path) -> None:
    """Write the Pareto fronts of a study and print them.

    Args:
        study: name of the recorded study.
        cost: one of :data:`~search.pareto.costs.COSTS`; None for all that the study knows.
        out: folder to write; None for the default one.
        storage: URL; None for the default.
        runs_dir: contains the results of all studies.

    Raises:
        UserError: the study has no trial.
    """
    opened = open_study(study, storage, runs_dir)
    table = trial_table(opened)
    if table.empty:
        raise UserError(f"study '{study}' has no trials yet")
    contenders = {trial.number for trial in opened.get_trials(deepcopy=False) if contends(trial)}
    trades = [
        tradeoff(table, contenders, name) for name in (_known_costs(table, contenders) if cost is None else [cost])
    ]
    shown, notes = _without_constant(trades)
    notes += estimate_sentences(*estimate_best(opened, TrialFolders(runs_dir / study)))
    paths = write_pareto(study, shown, notes, out or runs_dir / study / "pareto")
    console = Console(highlight=False)
    for trade in shown:
        print_table(console, _front(trade))
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


def _front(trade: Tradeoff) -> Table:
    settings, rows = varying_settings(trade.front), []
    for (_, row), cells in zip(trade.front.iterrows(), front_table(trade).itertuples(index=False), strict=True):
        values = {name.removeprefix(SETTING): row[name] for name in settings if not is_missing(row[name])}
        words = ", ".join(f"{path} = {rounded(value)}" for path, value in values.items())
        rows.append((*cells[:3], *([words] if settings else [])))
    headings = ("trial", trade.cost, "overall", *(["settings that differ"] if settings else []))
    return Table(f"Pareto front of overall score and {trade.cost}", headings, tuple(rows))
