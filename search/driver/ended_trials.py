"""End trials: record the result, update the dashboard, release the trials that waited for it, notify observers."""

from __future__ import annotations

from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from search.driver.events import Observer
from search.driver.live_panels import LivePanels
from search.driver.running_trial import RunningTrial
from search.driver.trial_end import TrialRecorder
from search.driver.trial_events import duplicate_ended, trial_ended
from search.driver.trial_queue import TrialQueue
from search.trials.folders import TrialFolders

__all__ = ["EndedTrials"]


@dataclass(frozen=True)
class EndedTrials:
    """Do everything that the end of a trial requires.

    Attributes:
        recorder: writes the end to the storage and cleans up the folder.
        folders: of the study's trials.
        panels: the dashboard's figures.
        queue: holds trials that wait for the end of another one.
        notify: takes the event.
    """

    recorder: TrialRecorder
    folders: TrialFolders
    panels: LivePanels
    queue: TrialQueue
    notify: Observer

    def end(self, running: RunningTrial, state: TrialState, reason: str) -> None:
        """End a trial as COMPLETE, PRUNED or FAIL."""
        value = self.recorder.end(running, state, reason)
        self.panels.refresh()
        self.queue.release()
        self.notify(trial_ended(running, state, value, reason))

    def end_duplicate(self, running: RunningTrial, original: FrozenTrial) -> None:
        """End a trial without training it, with the result of ``original``, which has the same configuration."""
        result = self.recorder.end_duplicate(running, original)
        self.queue.release()
        self.notify(duplicate_ended(running, original, result, self.folders.curve(running.number)))
