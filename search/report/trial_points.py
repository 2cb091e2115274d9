"""Draw trials as points of a figure."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from search.display.figure_style import STATE_COLOURS

__all__ = ["CROWD", "add_trials", "trial_names"]

CROWD = 100
"""Number of trials in a figure beyond which points and lines are drawn small."""


def add_trials(figure: go.Figure, trials: pd.DataFrame, x: str, state: str) -> None:
    """Add one point per trial; small and translucent ones if there are many."""
    is_crowd = len(trials) > CROWD
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
        text=trial_names(trials),
    )


def trial_names(trials: pd.DataFrame) -> list[str]:
    """Return the names by which a page opens a trial when its point is clicked."""
    return [f"trial {number}" for number in trials["trial"]]
