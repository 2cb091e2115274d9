"""Keep notes and figures for optuna-dashboard: learning curves, expected scores of the best trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nlargest

import optuna
import optuna_dashboard
import plotly.graph_objects as go
from optuna.trial import Trial, TrialState

from core.run.evaluation import Evaluation
from search.analysis.expected_score import Estimate, estimate_best
from search.analysis.expected_text import estimate_sentence
from search.display.values import cost_text
from search.storage.optuna_internals import study_for_figure, study_transaction, trial_for_note
from search.trials.folders import TrialFolders
from search.trials.record import TrialResult

__all__ = ["LivePanels", "save_curves", "save_trial_note", "trial_note"]

CURVES = 50  # of the best trials, and as many of the last ones; a figure with thousands of lines is unreadable
PAUSE_SECONDS = 30.0  # between two updates of a figure
LARGEST_SHARE = 0.002  # of the driver's time that may be spent on a figure


class LivePanels:
    """Draw learning curves for each task, and expected scores of the best trial so far, on the study's page."""

    def __init__(self, study: optuna.Study, folders: TrialFolders) -> None:
        self._study = study
        self._folders = folders
        self._curves: dict[int, list[Evaluation]] = {}
        self._panels = [_Throttled(self.draw_curves), _Throttled(self.draw_expected)]

    def refresh(self) -> None:
        """Draw the figures that have not been drawn for a while."""
        for panel in self._panels:
            panel.refresh()

    def forget(self, number: int) -> None:
        """Read a trial's curve again: it has ended, perhaps after it was pruned and continued."""
        self._curves.pop(number, None)

    def draw_curves(self) -> None:
        """Draw the learning curves of the best trials and of the last ones that ended."""
        trials = self._study.get_trials(deepcopy=False)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        best = nlargest(CURVES, complete, key=lambda trial: trial.value or 0.0)
        ended = [trial for trial in reversed(trials) if trial.state.is_finished()]
        shown = {trial.number for trial in (*best, *ended[:CURVES])}
        self._curves = {number: self._curves.get(number) or self._folders.curve(number) for number in sorted(shown)}
        study_transaction(self._study, lambda: save_curves(self._study, self._curves))

    def draw_expected(self) -> None:
        """Draw the best trial's scores on dev and its expected scores; keeps the old figure if these are not known.

        The dashboard itself only shows the best score on dev, which is too optimistic.
        """
        estimate, _ = estimate_best(self._study, self._folders)
        if estimate is not None:
            figure = _expected_figure(estimate)
            study_transaction(self._study, lambda: _save_panel(self._study, "expected", figure))


class _Throttled:
    """Draw at most every 30 s, and less often the longer drawing takes."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._due_at = time.monotonic() + PAUSE_SECONDS

    def refresh(self) -> None:
        begun = time.monotonic()
        if begun < self._due_at:
            return
        self._draw()
        now = time.monotonic()
        self._due_at = now + max(PAUSE_SECONDS, (now - begun) / LARGEST_SHARE)


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

    The dashboard itself only draws the overall score, and it accepts figures of studies, not of trials. ``curves`` has
    the evaluations by trial number.
    """
    tasks = {task: None for evaluations in curves.values() for point in evaluations for task in point.scores}
    for task in tasks:
        _save_panel(study, f"curves-{task}", _figure(task, curves))


def _save_panel(study: optuna.Study, panel: str, figure: go.Figure) -> None:
    optuna_dashboard.save_plotly_graph_object(study_for_figure(study, panel), figure, graph_object_id=panel)


def _expected_figure(estimate: Estimate) -> go.Figure:
    def rounded(numbers: Iterable[float]) -> list[float]:
        return [round(number, 4) for number in numbers]

    names, rows = list(estimate.rows), list(estimate.rows.values())
    expected = go.Scatter(
        x=names,
        y=rounded(one.expected for one in rows),
        error_y={
            "array": rounded(one.high - one.expected for one in rows),
            "arrayminus": rounded(one.expected - one.low for one in rows),
        },
        mode="markers",
        name="expected on new data, 95 % interval",
    )
    dev = go.Scatter(x=names, y=rounded(one.dev for one in rows), mode="markers", name="on dev")
    figure = go.Figure([dev, expected])
    figure.update_layout(template="none", title=f"trial {estimate.trial}: {estimate_sentence(estimate)}")
    return figure


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
