"""The end of a study: what it has spent, and which of its limits it has come to."""

from __future__ import annotations

import time
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.display.values import shown
from search.driver.events import Event, TrialAdvanced, TrialEnded, TrialEvaluated
from search.driver.gain_rule import gain_of_last_doubling
from search.recorded.ranking import contends
from search.study.spec import StudySpec
from search.trials.record import REPEAT_OF, TrialResult

__all__ = ["Ahead", "Ending"]

DRIVER_SECONDS = "driver_seconds"
REPEATS = 50  # in a row, after which a study without a number of trials has nothing new to try
BEAT_SECONDS = 30.0  # between two writes of the time spent; a killed driver's last ones do not count


@dataclass(frozen=True)
class Ahead:
    """What a study may still spend; None: without a limit.

    Attributes:
        trials: to be trained, those under way included.
        seconds: until no new trial is begun.
        examples: until no new trial is begun.
    """

    trials: int | None
    seconds: float | None = None
    examples: int | None = None


class Ending:
    """Counts trials, time and training examples of a study, an observer of the driver's events; those of earlier runs
    count too.

    Args:
        spec: has the limits.
        study: as it is recorded.
    """

    def __init__(self, spec: StudySpec, study: optuna.Study) -> None:
        self._spec = spec
        self._study = study
        trials = study.get_trials(deepcopy=False)
        ended = sorted((trial for trial in trials if trial.state.is_finished()), key=_end)
        self._ended = [_cost_and_score(trial) for trial in ended]
        self._repeats = 0  # at the end of what has ended
        for trial in ended:
            self._count_repeats(REPEAT_OF in trial.user_attrs)
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        self._running = {trial.number: max(trial.intermediate_values, default=0) for trial in running}
        self._seconds_before = float(study.user_attrs.get(DRIVER_SECONDS, 0.0))
        self._begun: float | None = None
        self._beat = 0.0

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case TrialAdvanced():
                self._advance(event.number, event.examples)
            case TrialEvaluated():
                self._advance(event.number, event.evaluation.examples)
            case TrialEnded():
                self._running.pop(event.number, None)
                can_win = event.state == "complete" and event.feasible
                self._ended.append((event.examples, event.value if can_win else None))
                self._count_repeats(event.repeat_of is not None)

    def _count_repeats(self, is_repeat: bool) -> None:
        self._repeats = self._repeats + 1 if is_repeat else 0

    def _advance(self, number: int, examples: int) -> None:
        # What is trained again after a worker's death counts once, as it does in the trial's result.
        self._running[number] = max(examples, self._running.get(number, 0))

    @property
    def ended(self) -> int:
        """Trials that are over."""
        return len(self._ended)

    @property
    def examples(self) -> int:
        """Training examples of all trials, as far as is known of running ones."""
        return sum(cost for cost, _ in self._ended) + sum(self._running.values())

    @property
    def seconds(self) -> float:
        """For which drivers have run."""
        return self._seconds_before + (0.0 if self._begun is None else time.monotonic() - self._begun)

    def begin(self) -> None:
        """From here on time counts."""
        self._begun = self._beat = time.monotonic()

    def beat(self, *, last: bool = False) -> None:
        """Record the time spent, if that was not done a moment ago, or this is the last chance."""
        if self._begun is not None and (last or time.monotonic() - self._beat >= BEAT_SECONDS):
            self._study.set_user_attr(DRIVER_SECONDS, round(self.seconds, 3))
            self._beat = time.monotonic()

    @property
    def ahead(self) -> Ahead:
        """What is still to be spent."""
        rules = self._spec.stop
        trials = None if self._spec.trials is None else max(self._spec.trials - self.ended, 0)
        if self.reason(self.ended):  # what is under way is brought to its end, unless that would be too many trials
            trials = len(self._running) if trials is None else min(len(self._running), trials)
        return Ahead(
            trials,
            None if rules.hours is None else max(rules.hours * 3600 - self.seconds, 0.0),
            None if rules.examples is None else max(rules.examples - self.examples, 0),
        )

    def reason(self, begun: int) -> str:
        """Why no trial is begun after ``begun`` ones, and how to go on; empty if one is."""
        spec, rules = self._spec, self._spec.stop
        if spec.trials is not None and begun >= spec.trials:
            is_exhausted = spec.sampler.name == "grid"  # a comparison, too, can have no more than its runs
            return f"all {spec.trials} trials have ended" + ("" if is_exhausted else "; a larger --trials goes on")
        if rules.hours is not None and self.seconds >= rules.hours * 3600:
            return f"its {shown(rules.hours)} h are over; a larger --hours goes on"
        if rules.examples is not None and self.examples >= rules.examples:
            return (
                f"its {rules.examples:,} training examples are spent ({self.examples:,}); a larger --examples goes on"
            )
        if spec.trials is None and self._repeats >= REPEATS:
            return f"its space has nothing new: the last {self._repeats} trials repeated earlier ones"
        return self._no_help()

    def _no_help(self) -> str:
        rule = self._spec.stop.gain
        if rule is None or self.ended < rule.min_trials:
            return ""
        gain = gain_of_last_doubling(self._ended)
        if gain >= rule.below:
            return ""
        return (
            f"further trials are not expected to help: the last doubling of its cost was worth {gain:.2g}, less than "
            f"gain = {shown(rule.below)}; a smaller gain under [stop], or none, goes on"
        )


def _end(trial: FrozenTrial) -> tuple[float, int]:
    assert trial.datetime_complete is not None, "an ended trial has the time of its end"
    return trial.datetime_complete.timestamp(), trial.number


def _cost_and_score(trial: FrozenTrial) -> tuple[int, float | None]:
    """Training examples, and the value if the trial can win."""
    return TrialResult.read(trial.user_attrs).examples, trial.value if contends(trial) else None
