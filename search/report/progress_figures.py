"""Figures of a search's progress: scores over what was spent, and learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from core.run.evaluation import Evaluation
from core.statistics import Expectation
from search.display.figure_style import BEST_COLOUR, EXPECTED_COLOUR, STATE_COLOURS, lay_out
from search.recorded.trial_table import winnable
from search.report.trial_points import CROWD, add_trials, trial_names

__all__ = ["curves_figure", "progress_figure"]


def progress_figure(
    table: pd.DataFrame,
    unit: Literal["examples", "hours"],
    default: int | None = None,
    expected: Mapping[int, Expectation] | None = None,
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
        add_trials(figure, scored[scored["state"] == state], "spent", state)
    finished = winnable(scored)
    figure.add_scatter(
        x=finished["spent"].tolist(),
        y=finished["overall"].cummax().tolist(),
        mode="lines",
        name="best so far",
        line={"color": BEST_COLOUR, "shape": "hv", "width": 2},
    )
    of_expected = finished[finished["trial"].isin(list(expected or {}))]
    if expected and not of_expected.empty:
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
            text=trial_names(failed),
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
    curves: Mapping[int, Sequence[Evaluation]],
    states: Mapping[int, str],
    task: str | None = None,
    best: int | None = None,
) -> go.Figure:
    """Draw dev scores over training examples, one line per trial.

    Args:
        curves: evaluations of the trials, by number.
        states: states of the same trials.
        task: whose metric to draw; None: the overall score.
        best: number of the winner, whose line is emphasised.
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
            line={"color": colour, "width": 3 if name == "winner" else 1 if len(shown) <= CROWD else 0.5},
            marker={"size": 5 if len(shown) <= CROWD else 3},
        )
    return lay_out(figure, "training examples", "overall dev score" if task is None else f"{task}, dev score")
