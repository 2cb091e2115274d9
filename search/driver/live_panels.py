"""Update a study's figures for the dashboard while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import nlargest

import optuna
from optuna.trial import TrialState

from core.run.evaluation import Evaluation
from search.analysis.expected_score import estimate_best
from search.driver.panels import save_curves, save_expected
from search.storage.optuna_internals import study_transaction
from search.trials.folders import TrialFolders

__all__ = ["LivePanels"]

CURVES = 50  # of the best trials, and as many of the last ones; a figure with thousands of lines is unreadable
PAUSE_SECONDS = 30.0  # between two updates of a figure
LARGEST_SHARE = 0.002  # of the driver's time that may be spent on a figure


class LivePanels:
    """Draw learning curves for each task, and expected scores of the best trial so far.

    Args:
        study: the study that shows them.
        folders: where its trials left their curves and predictions.
    """

    def __init__(self, study: optuna.Study, folders: TrialFolders) -> None:
        self._study = study
        self._folders = folders
        self._curves: dict[int, list[Evaluation]] = {}
        self._panels = [_Throttled(self.draw_curves), _Throttled(self.draw_expected)]

    def refresh(self) -> None:
        """Draw the figures that have not been drawn for a while."""
        for panel in self._panels:
            panel.refresh()

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
        """Draw the best trial's scores on dev and its expected scores; keeps the old figure if these are not known."""
        estimate, _ = estimate_best(self._study, self._folders)
        if estimate is not None:
            study_transaction(self._study, lambda: save_expected(self._study, estimate))


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
