"""Figures of trials: scores over what was spent, learning curves, and scores over each setting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from core.run.evaluation import Evaluation
from core.statistics import Expectation
from search.analysis.train_dev_curves import TrainDevCurve
from search.display.figure_style import BEST_COLOUR, EXPECTED_COLOUR, STATE_COLOURS, lay_out, log_axis
from search.recorded.trial_columns import SETTING
from search.recorded.trial_table import winnable

__all__ = ["curves_figure", "progress_figure", "setting_figures", "train_dev_figure"]

_CROWD = 100  # trials in a figure beyond which points and lines are drawn small


def progress_figure(
    table: pd.DataFrame, unit: Literal["examples", "hours"], default: int | None, expected: Mapping[int, Expectation]
) -> go.Figure:
    """Draw each ended trial and the best score so far over the cost until then.

    Args:
        table: of trials.
        unit: ``examples`` of training, or ``hours`` of training and scoring, all workers together.
        default: number of the default configuration's trial, whose score is drawn as a line.
        expected: score of the best trial so far on new data, by the number of the trial that had just finished.
    """
    ended = table[table["overall"].notna() | (table["state"] == "failed")].copy()
    spent = ended["examples"] if unit == "examples" else ended["seconds"] / 3600
    ended["spent"] = spent.astype(float).cumsum()
    scored, failed = ended[ended["overall"].notna()], ended[ended["state"] == "failed"]
    figure = go.Figure()
    for state in ("complete", "pruned"):
        _add_trials(figure, scored[scored["state"] == state], "spent", state)
    finished = winnable(scored)
    figure.add_scatter(
        x=finished["spent"].tolist(),
        y=finished["overall"].cummax().tolist(),
        mode="lines",
        name="best so far",
        line={"color": BEST_COLOUR, "shape": "hv", "width": 2},
    )
    of_expected = finished[finished["trial"].isin(list(expected))]
    if not of_expected.empty:
        points = [expected[number] for number in of_expected["trial"].tolist()]
        figure.add_scatter(
            x=of_expected["spent"].tolist(),
            y=[point.expected for point in points],
            error_y={
                "array": [None] * (len(points) - 1) + [points[-1].high - points[-1].expected],
                "width": 5,
                "thickness": 1.5,
            },
            mode="lines",
            name="expected on new data",
            line={"color": EXPECTED_COLOUR, "width": 2},
        )
    if not failed.empty and not scored.empty:
        figure.add_scatter(
            x=failed["spent"].tolist(),
            y=[float(scored["overall"].astype(float).min())] * len(failed),
            mode="markers",
            name="failed",
            marker={"color": STATE_COLOURS["failed"], "symbol": "x", "size": 7},
            text=_trial_names(failed),
        )
    of_default = scored[scored["trial"] == default]
    if not of_default.empty:
        figure.add_scatter(
            x=[0.0, float(ended["spent"].iloc[-1])],
            y=[float(of_default["overall"].iloc[0])] * 2,
            mode="lines",
            name="default configuration",
            line={"color": STATE_COLOURS["running"], "dash": "dash", "width": 1.5},
        )
    labels = {"examples": "training examples, all trials", "hours": "hours of training and scoring, all trials"}
    return lay_out(figure, labels[unit])


def curves_figure(
    curves: Mapping[int, Sequence[Evaluation]], states: Mapping[int, str], task: str | None, best: int | None
) -> go.Figure:
    """Draw dev scores over training examples, one line per trial.

    Without a task, the overall score is drawn, otherwise the task's metric. The line of trial ``best`` is emphasised.
    """
    figure = go.Figure()
    for name, colour in (*STATE_COLOURS.items(), ("winner", BEST_COLOUR)):
        shown = [number for number in curves if ("winner" if number == best else states[number]) == name]
        if not shown:
            continue
        # One trace for all of them, with gaps between: a thousand traces take seconds to draw.
        points = [(number, point) for number in shown for point in (*curves[number], None)]
        figure.add_scatter(
            x=[None if point is None else point.rung for _, point in points],
            y=[None if point is None else point.overall if task is None else point.scores[task] for _, point in points],
            text=[f"trial {number}" for number, _ in points],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 3 if name == "winner" else 1 if len(shown) <= _CROWD else 0.5},
            marker={"size": 5 if len(shown) <= _CROWD else 3},
        )
    return lay_out(figure, "training examples", "overall dev score" if task is None else f"{task}, dev score")


def train_dev_figure(curve: TrainDevCurve, task: str) -> go.Figure:
    """Draw the task's scores on training and dev examples over passes, or over training examples of all tasks."""
    figure = go.Figure()
    x = list(curve.rungs if curve.passes is None else curve.passes)
    for name, scores, colour in (
        ("train", curve.train, STATE_COLOURS["pruned"]),
        ("dev", curve.dev, STATE_COLOURS["complete"]),
    ):
        figure.add_scatter(
            x=x,
            y=list(scores),
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2},
            marker={"size": 7},
        )
    unit = "training examples" if curve.passes is None else f"passes through the training set of {task}"
    return lay_out(figure, unit, f"{task}, {curve.metric.label}")


def setting_figures(table: pd.DataFrame, logarithmic: Collection[str], linked: Collection[str]) -> dict[str, go.Figure]:
    """Draw for each searched setting the overall score of each trial over its value; pruned trials at their best rung.

    Settings that were searched on a logarithmic scale are drawn on one. Settings that only follow others (``linked``)
    have no figure.
    """
    figures = {}
    for column in [name for name in table.columns if name.startswith(SETTING)]:
        path = column.removeprefix(SETTING)
        if path in linked:
            continue
        figure = go.Figure()
        for state in ("complete", "pruned"):
            part = table[(table["state"] == state) & table["overall"].notna() & table[column].notna()]
            _add_trials(figure, part, column, state)
        figures[path] = lay_out(figure, path)
        if path in logarithmic:
            log_axis(figures[path], table[column].dropna().tolist())
    return figures


def _add_trials(figure: go.Figure, trials: pd.DataFrame, x: str, state: str) -> None:
    """Add one point per trial; small and translucent ones if there are many."""
    is_crowd = len(trials) > _CROWD
    figure.add_scatter(
        x=trials[x].tolist(),
        y=trials["overall"].tolist(),
        mode="markers",
        name=state,
        marker={
            "color": STATE_COLOURS[state],
            "size": 5 if is_crowd else 9,
            "symbol": "circle" if state == "complete" else "circle-open",
        },
        opacity=0.6 if is_crowd else 1.0,
        text=_trial_names(trials),
    )


def _trial_names(trials: pd.DataFrame) -> list[str]:
    """Return the names by which a page opens a trial when its point is clicked."""
    return [f"trial {number}" for number in trials["trial"]]
