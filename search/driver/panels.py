"""Save notes and figures for optuna-dashboard: learning curves, expected scores of the best trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
import optuna_dashboard
import plotly.graph_objects as go
from optuna.trial import Trial

from core.run.evaluation import Evaluation
from search.analysis.expected_score import Estimate
from search.analysis.expected_text import estimate_sentence
from search.display.cost import cost_text
from search.storage.optuna_internals import study_for_figure, trial_for_note
from search.trials.record import TrialResult

__all__ = ["save_curves", "save_expected", "save_trial_note", "trial_note"]


def trial_note(result: TrialResult, evaluations: Sequence[Evaluation]) -> str:
    """Write a trial's outcome as Markdown, with a table that has a row for each rung and a column for each task."""
    lines = [f"**{result.reason}**", ""] if result.reason else []
    if not evaluations:
        return "\n".join([*lines, "No evaluation."])
    tasks = list(evaluations[0].scores)
    lines += ["| examples | overall | " + " | ".join(tasks) + " |", "|---:" * (len(tasks) + 2) + "|"]
    for evaluation in evaluations:
        numbers = [evaluation.overall, *(evaluation.scores[task] for task in tasks)]
        mark = "**" if evaluation.rung == result.best_rung else ""
        cells = [f"{mark}{number:.4f}{mark}" for number in numbers]
        lines.append(f"| {evaluation.rung:,} | " + " | ".join(cells) + " |")
    lines += ["", f"{result.examples:,} training examples in {result.seconds:.0f} s"]
    if result.cost is not None:
        lines += ["", cost_text(result.cost)]
    return "\n".join(lines)


def save_trial_note(trial: Trial, result: TrialResult, evaluations: Sequence[Evaluation]) -> None:
    """Show :func:`trial_note` on the trial's page."""
    optuna_dashboard.save_note(trial_for_note(trial), trial_note(result, evaluations))


def save_curves(study: optuna.Study, curves: Mapping[int, Sequence[Evaluation]]) -> None:
    """Save a figure for each task on the study's page, with a line for each trial.

    The dashboard itself only draws the overall score, and it accepts figures of studies, not of trials.

    Args:
        study: the study that shows them.
        curves: evaluations by trial number.
    """
    tasks = {task: None for evaluations in curves.values() for point in evaluations for task in point.scores}
    for task in tasks:
        _save_panel(study, f"curves-{task}", _figure(task, curves))


def save_expected(study: optuna.Study, estimate: Estimate) -> None:
    """Save a figure on the study's page: the best trial's scores on dev, and its expected scores on new data.

    The dashboard itself only shows the best score on dev, which is too optimistic.
    """
    _save_panel(study, "expected", _expected_figure(estimate))


def _save_panel(study: optuna.Study, panel: str, figure: go.Figure) -> None:
    optuna_dashboard.save_plotly_graph_object(study_for_figure(study, panel), figure, graph_object_id=panel)


def _expected_figure(estimate: Estimate) -> go.Figure:
    names, rows = list(estimate.rows), list(estimate.rows.values())
    above, below = ([round(number, 4) for number in ends] for ends in _reach(estimate))
    expected = go.Scatter(
        x=names,
        y=[round(one.expected, 4) for one in rows],
        error_y={"array": above, "arrayminus": below},
        mode="markers",
        name="expected on new data, 95 % interval",
    )
    dev = go.Scatter(x=names, y=[round(one.dev, 4) for one in rows], mode="markers", name="on dev")
    figure = go.Figure([dev, expected])
    figure.update_layout(template="none", title=f"trial {estimate.trial}: {estimate_sentence(estimate)}")
    return figure


def _reach(estimate: Estimate) -> tuple[list[float], list[float]]:
    """Return how far the intervals extend above and below the expected scores."""
    rows = estimate.rows.values()
    return [one.high - one.expected for one in rows], [one.expected - one.low for one in rows]


def _figure(task: str, curves: Mapping[int, Sequence[Evaluation]]) -> go.Figure:
    lines = [
        go.Scatter(
            x=[point.rung for point in evaluations],
            y=[round(point.scores[task], 4) for point in evaluations],
            mode="lines+markers",
            name=f"trial {number}",
        )
        for number, evaluations in sorted(curves.items())
        if evaluations
    ]
    figure = go.Figure(lines)
    # plotly's own template would be stored with every figure, and is larger than the curves.
    figure.update_layout(template="none", title=f"{task}: dev score", xaxis_title="training examples")
    return figure
