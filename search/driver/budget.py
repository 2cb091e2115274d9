"""Track what a study has spent, and decide when it starts no more trials."""

from __future__ import annotations

import time
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.display.values import shown
from search.driver.events import Event, TrialAdvanced, TrialEnded, TrialEvaluated, TrialStarted
from search.driver.gain_rule import gain_of_last_doubling
from search.recorded.ranking import contends
from search.study.spec import StudySpec
from search.trials.record import REPEAT_OF, TrialResult

__all__ = ["Budget", "Remaining"]

DRIVER_SECONDS = "driver_seconds"
MAX_DUPLICATES = 50  # in a row, after which a study without a number of trials has nothing new to try
SAVE_SECONDS = 30.0  # between two writes of the time spent; a killed driver's last seconds do not count


@dataclass(frozen=True)
class Remaining:
    """What a study may still spend; None means no limit.

    Attributes:
        trials: still to be trained, including those that are running.
        seconds: time left for starting new trials.
        examples: training examples left for starting new trials.
    """

    trials: int | None
    seconds: float | None = None
    examples: int | None = None


class Budget:
    """Count the trials, time and training examples of a study, including those of earlier runs.

    It observes the driver's events to stay up to date.

    Args:
        spec: has the limits.
    """

    def __init__(self, spec: StudySpec, study: optuna.Study) -> None:
        self._spec = spec
        self._study = study
        trials = study.get_trials(deepcopy=False)
        ended = sorted((trial for trial in trials if trial.state.is_finished()), key=_end_time)
        self._ended = {trial.number: _cost_and_score(trial) for trial in ended}  # in the order of their ends
        self._duplicates = 0  # in a row, up to the last trial that ended
        for trial in ended:
            self._count_duplicates(REPEAT_OF in trial.user_attrs)
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        self._running = {trial.number: max(trial.intermediate_values, default=0) for trial in running}
        self._seconds_before = float(study.user_attrs.get(DRIVER_SECONDS, 0.0))
        self._started: float | None = None
        self._saved = 0.0

    def __call__(self, event: Event) -> None:
        """Update the counts with an event."""
        match event:
            case TrialStarted(number=number) if number in self._ended:  # it was pruned, and continues
                self._running[number], _ = self._ended.pop(number)
            case TrialAdvanced():
                self._advance(event.number, event.examples)
            case TrialEvaluated():
                self._advance(event.number, event.evaluation.examples)
            case TrialEnded():
                self._running.pop(event.number, None)
                can_win = event.state == "complete" and event.feasible
                self._ended[event.number] = event.examples, event.value if can_win else None
                self._count_duplicates(event.repeat_of is not None)

    def _count_duplicates(self, is_duplicate: bool) -> None:
        self._duplicates = self._duplicates + 1 if is_duplicate else 0

    def _advance(self, number: int, examples: int) -> None:
        # Examples trained again after a worker's death count once, as they do in the trial's result.
        self._running[number] = max(examples, self._running.get(number, 0))

    @property
    def ended(self) -> int:
        """Number of trials that have ended."""
        return len(self._ended)

    @property
    def examples(self) -> int:
        """Training examples of all trials; for running ones, as far as reported."""
        return sum(cost for cost, _ in self._ended.values()) + sum(self._running.values())

    @property
    def seconds(self) -> float:
        """Seconds for which drivers of this study have run."""
        return self._seconds_before + (0.0 if self._started is None else time.monotonic() - self._started)

    def start_clock(self) -> None:
        """Count the time from here on."""
        self._started = self._saved = time.monotonic()

    def save_time(self, *, last: bool = False) -> None:
        """Record the time spent, unless it was recorded a moment ago and this is not the ``last`` call."""
        if self._started is not None and (last or time.monotonic() - self._saved >= SAVE_SECONDS):
            self._study.set_user_attr(DRIVER_SECONDS, round(self.seconds, 3))
            self._saved = time.monotonic()

    @property
    def remaining(self) -> Remaining:
        """What the study may still spend."""
        rules = self._spec.stop
        trials = None if self._spec.trials is None else max(self._spec.trials - self.ended, 0)
        if self.stop_reason(self.ended):  # running trials are finished, unless those would be too many
            trials = len(self._running) if trials is None else min(len(self._running), trials)
        return Remaining(
            trials,
            None if rules.hours is None else max(rules.hours * 3600 - self.seconds, 0.0),
            None if rules.examples is None else max(rules.examples - self.examples, 0),
        )

    def stop_reason(self, started: int) -> str:
        """Return why no trial starts once ``started`` have started, and how to continue; empty if another may."""
        spec = self._spec
        if spec.trials is not None and started >= spec.trials:
            is_exhausted = spec.sampler.name == "grid"  # a study of variants, too, has no more than its runs
            return f"all {spec.trials} trials have ended" + (
                "" if is_exhausted else "; pass a larger --trials to continue"
            )
        return self._why_spent()

    @property
    def is_spent(self) -> bool:
        """Whether nothing more is to be trained, except for trials that run: neither new trials nor revived ones."""
        return bool(self._why_spent())

    def _why_spent(self) -> str:
        """Return why no trial starts, however many there are, and how to continue; empty if one may."""
        spec, rules = self._spec, self._spec.stop
        if rules.hours is not None and self.seconds >= rules.hours * 3600:
            return f"its {shown(rules.hours)} h are used up; pass a larger --hours to continue"
        if rules.examples is not None and self.examples >= rules.examples:
            return (
                f"its {rules.examples:,} training examples are used up ({self.examples:,} so far); "
                "pass a larger --examples to continue"
            )
        if spec.trials is None and self._duplicates >= MAX_DUPLICATES:
            return f"its search space is exhausted: the last {self._duplicates} trials were duplicates of earlier ones"
        return self._too_small_gain()

    def _too_small_gain(self) -> str:
        rule = self._spec.stop.gain
        if rule is None or self.ended < rule.min_trials:
            return ""
        gain = gain_of_last_doubling(list(self._ended.values()))
        if gain >= rule.below:
            return ""
        return (
            f"further trials are not expected to help: doubling the cost last gained {gain:.2g}, less than "
            f"gain = {shown(rule.below)}; lower or remove gain under [stop] to continue"
        )


def _end_time(trial: FrozenTrial) -> tuple[float, int]:
    assert trial.datetime_complete is not None, "an ended trial has the time of its end"
    return trial.datetime_complete.timestamp(), trial.number


def _cost_and_score(trial: FrozenTrial) -> tuple[int, float | None]:
    """Return the trial's training examples, and its value if the trial can win."""
    return TrialResult.read(trial.user_attrs).examples, trial.value if contends(trial) else None
