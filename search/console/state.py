"""Track what a display shows of a running study, from events alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from core.run.evaluation import Evaluation
from search.driver.events import Event, StudyStarted, TrialAdvanced, TrialEnded, TrialEvaluated, TrialStarted

__all__ = ["ShownTrial", "StudyState"]


@dataclass
class ShownTrial:
    """A trial in training, as a display shows it."""

    number: int
    planned: int
    examples: int = 0
    evaluation: Evaluation | None = None
    device: str = ""  # that its worker is pinned to


@dataclass
class StudyState:
    """Observer that keeps counts, the best trial and the running trials.

    Attributes:
        expected_seconds: duration of a full trial of the base, as estimated before the first one ended.
        planned: training examples of the trials of a comparison, in their order, if its variants differ in length; the
            first is one of the base.
    """

    expected_seconds: float | None = None
    planned: tuple[int, ...] = ()
    started: StudyStarted | None = None
    running: dict[int, ShownTrial] = field(default_factory=dict)
    ended: list[TrialEnded] = field(default_factory=list)
    best: TrialEnded | None = None
    _revived_before: int = 0  # trials that an earlier run of the study had pruned, and that continue
    _begun: float = field(default_factory=time.monotonic)

    def __call__(self, event: Event) -> None:
        """Update the state."""
        match event:
            case StudyStarted():
                self.started, self.best = event, event.best
            case TrialStarted():
                self._start(event)
                self.running[event.number] = ShownTrial(event.number, event.planned_examples, device=event.device)
            case TrialAdvanced():
                self.running[event.number].examples = event.examples
            case TrialEvaluated():
                self.running[event.number].examples = event.evaluation.examples
                self.running[event.number].evaluation = event.evaluation
            case TrialEnded():
                self._end(event)

    def _start(self, event: TrialStarted) -> None:
        """Take a trial that was pruned, and continues, for one that has not ended."""
        before = len(self.ended)
        self.ended = [ended for ended in self.ended if ended.number != event.number]
        if event.revived and len(self.ended) == before:
            self._revived_before += 1

    def _end(self, event: TrialEnded) -> None:
        self.running.pop(event.number, None)
        self.ended.append(event)
        best = self.best.value if self.best else None
        can_win = event.state == "complete" and event.feasible
        if can_win and event.value is not None and (best is None or event.value > best):
            self.best = event

    @property
    def done(self) -> int:
        """Number of trials that have ended, including those of earlier runs of the study."""
        return (self.started.done if self.started else 0) - self._revived_before + len(self.ended)

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the study ends, by the limit that comes first; None if nothing is known yet."""
        if self.started is None:
            return None
        elapsed = time.monotonic() - self._begun
        estimates = [self._seconds_of_trials(elapsed), self._seconds_of_examples(elapsed)]
        if self.started.seconds_left is not None:
            estimates.append(max(self.started.seconds_left - elapsed, 0.0))
        return min((seconds for seconds in estimates if seconds is not None), default=None)

    def _seconds_of_trials(self, elapsed: float) -> float | None:
        """Estimate by this run's pace, or, before a trial has ended, by the measured speed."""
        assert self.started is not None
        if self.started.trials is None:
            return None
        if self.planned:
            return self._seconds_of_planned(elapsed, self.started.trials)
        open_trials = self.started.trials - self.done
        under_way = sum(trial.examples / trial.planned for trial in self.running.values())
        remaining = max(open_trials - under_way, 0.0)
        trained = sum(event.repeat_of is None for event in self.ended)  # others took no time
        if trained:
            return elapsed / (trained + under_way) * remaining
        if self.expected_seconds is None:
            return None
        return self.expected_seconds * remaining / self.started.workers

    def _seconds_of_planned(self, elapsed: float, trials: int) -> float | None:
        """Estimate like :meth:`_seconds_of_trials`, in training examples instead of trials."""
        assert self.started is not None
        mean = sum(self.planned) / len(self.planned)
        planned = [*self.planned, *[mean] * (trials - len(self.planned))]  # trials of later phases are not known yet
        under_way = sum(trial.examples for trial in self.running.values())
        ended = [event for event in self.ended if event.number < len(planned)]
        # Those of earlier sessions are the first ones, or nearly so.
        left = sum(planned[self.started.done :]) - sum(planned[event.number] for event in ended) - under_way
        trained = sum(planned[event.number] for event in ended if event.repeat_of is None)
        if trained:
            return elapsed / (trained + under_way) * max(left, 0.0)
        if self.expected_seconds is None:
            return None
        return self.expected_seconds * max(left, 0.0) / planned[0] / self.started.workers

    def _seconds_of_examples(self, elapsed: float) -> float | None:
        """Estimate by this run's pace."""
        assert self.started is not None
        if self.started.examples_left is None or not self.ended:
            return None
        done = sum(event.examples for event in self.ended)
        done += sum(trial.examples for trial in self.running.values())
        return elapsed / done * max(self.started.examples_left - done, 0) if done else None
