"""When a study ends, what it reports then, and how it continues."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from memory_storage import MemoryStorage
from scripted_executor import ScriptedExecutor
from stub_study import BASE, changed

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.driver import budget
from search.driver.budget import SAVE_SECONDS, Budget, Remaining
from search.driver.driver import Driver, StudyResult
from search.driver.events import (
    Event,
    StudyEnded,
    StudyStarted,
    TrialAdvanced,
    TrialEnded,
    TrialEvaluated,
    TrialStarted,
)
from search.samplers.registry import SamplerChoice
from search.study.spec import StudySpec
from search.study.stop_rules import GainRule, StopRules
from search.trials.floors import Floor

optuna.logging.set_verbosity(optuna.logging.WARNING)
FULL = BASE.budget.examples  # 100, in five rungs


def rising(number: int, index: int) -> dict[str, float]:
    return {"sst": 0.5 + number / 100 + index / 1000}


def flat(number: int, index: int) -> dict[str, float]:  # noqa: ARG001
    return {"sst": 0.5}


def spec_of(trials: int | None = None, **stop: Any) -> StudySpec:
    return changed(trials=trials, stop=StopRules(**stop), sampler=SamplerChoice("random"), first_trials=())


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=stopped.monotonic))
    return stopped


class Study:
    """A study in memory; every rung of it takes ``seconds``."""

    def __init__(self, root: Path, scores: Callable[[int, int], dict[str, float]] = flat, clock: Clock | None = None):
        self.root, self.storage, self.clock = root, MemoryStorage(), clock
        self.executor = ScriptedExecutor(scores, self.tick)
        self.seconds, self.rungs = 0.0, 0
        self.events: list[Event] = []

    def tick(self) -> None:
        self.rungs += 1
        if self.clock is not None:
            self.clock.now += self.seconds

    def driver(self, spec: StudySpec) -> Driver:
        return Driver(spec, self.storage, self.executor, self.root)

    def run(self, spec: StudySpec, *observers: Any) -> StudyResult:
        self.events = []
        return self.driver(spec).run([self.events.append, *observers])

    @property
    def states(self) -> list[str]:
        trials = optuna.load_study(study_name="stub", storage=self.storage).get_trials()
        return [trial.state.name for trial in trials]

    @property
    def trained(self) -> int:
        return sum(isinstance(event, TrialEvaluated) for event in self.events)


def test_without_trials_the_examples_end_it(tmp_path: Path) -> None:
    """No trial is started once 250 are spent, and the running one continues to its end."""
    study = Study(tmp_path)
    result = study.run(spec_of(examples=250))
    assert result.finished
    assert study.states == ["COMPLETE"] * 3
    assert result.reason == "its 250 training examples are used up (300 so far); pass a larger --examples to continue"
    started, ended = study.events[0], study.events[-1]
    assert isinstance(started, StudyStarted)
    assert (started.trials, started.examples_left, started.seconds_left) == (None, 250, None)
    assert isinstance(ended, StudyEnded)
    assert (ended.finished, ended.reason) == (True, result.reason)
    again = study.run(spec_of(examples=250))
    assert (again.reason, study.trained) == (result.reason, 0)
    more = study.run(spec_of(examples=301))
    assert more.reason == "its 301 training examples are used up (400 so far); pass a larger --examples to continue"
    assert len(study.states) == 4


def test_pruned_trials_count_with_what_they_cost(tmp_path: Path) -> None:
    spec = changed(
        trials=None, stop=StopRules(examples=200), floors=(Floor("sst", 0.9, 0),), first_trials=(), pruner="none"
    )
    study = Study(tmp_path)
    assert study.run(spec).reason.startswith("its 200 training examples are used up (200 so far)")
    assert study.states == ["PRUNED"] * 10  # 20 examples each
    assert Budget(spec, study.run(spec).study).examples == 200


def test_whichever_comes_first(tmp_path: Path) -> None:
    study = Study(tmp_path)
    spec = spec_of(2, examples=250)
    assert study.run(spec).reason == "all 2 trials have ended; pass a larger --trials to continue"
    assert study.run(spec_of(9, examples=250)).reason.startswith("its 250 training examples are used up")
    assert len(study.states) == 3


def test_hours_of_all_runs_count_and_those_between_do_not(tmp_path: Path, clock: Clock) -> None:
    """Five rungs of 10 minutes are 50 minutes a trial: in 2 hours the third trial is the last to be begun."""
    study = Study(tmp_path, clock=clock)
    study.seconds = 600.0
    spec = spec_of(hours=2)

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialEvaluated) and (event.number, event.evaluation.rung) == (1, 40):
            os.kill(os.getpid(), signal.SIGINT)

    first = study.run(spec, interrupt)
    assert (first.finished, first.reason) == (False, "")
    clock.now += 1e6
    assert study.driver(spec).remaining == Remaining(None, pytest.approx(7200 - 4200), None)
    second = study.run(spec)
    assert second.reason == "its 2 h are used up; pass a larger --hours to continue"
    assert study.states == ["COMPLETE"] * 3
    clock.now += 1e6
    assert study.run(spec).reason == second.reason
    assert study.trained == 0
    assert study.driver(spec).remaining.trials == 0
    study.run(spec_of(hours=2.6))
    assert study.states == ["COMPLETE"] * 4  # 150 minutes before, and 6 left


def test_what_a_killed_driver_ran_for_is_known_up_to_a_beat(tmp_path: Path, clock: Clock) -> None:
    study = Study(tmp_path, clock=clock)
    study.seconds = SAVE_SECONDS / 3

    def die(event: Event) -> None:
        if isinstance(event, TrialEvaluated) and (event.number, event.evaluation.rung) == (3, 60):
            raise KeyboardInterrupt  # nothing is written after it, as after SIGKILL

    with pytest.raises(KeyboardInterrupt):
        study.run(spec_of(6), die)
    ran = 18 * study.seconds
    recorded = optuna.load_study(study_name="stub", storage=study.storage).user_attrs["driver_seconds"]
    assert ran - SAVE_SECONDS <= recorded < ran


def test_running_trials_are_finished_although_the_time_is_over(tmp_path: Path, clock: Clock) -> None:
    study = Study(tmp_path, clock=clock)
    study.seconds = 1200.0

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialEvaluated) and (event.number, event.evaluation.rung) == (0, 80):
            os.kill(os.getpid(), signal.SIGINT)

    spec = spec_of(hours=1)
    assert not study.run(spec, interrupt).finished
    assert study.states == ["RUNNING"]
    assert study.driver(spec).remaining.trials == 1
    assert study.run(spec).finished
    assert study.states == ["COMPLETE"]
    assert study.rungs == 5  # the last one was still to be trained


def test_it_ends_when_trials_do_not_help(tmp_path: Path) -> None:
    study = Study(tmp_path)
    result = study.run(spec_of(gain=GainRule(below=0.002, min_trials=7)))
    assert len(study.states) == 7
    assert result.reason == (
        "further trials are not expected to help: doubling the cost last gained 0, less than gain = 0.002; "
        "lower or remove gain under [stop] to continue"
    )
    helping = Study(tmp_path / "rising", rising)
    assert helping.run(spec_of(12, gain=GainRule(below=0.002, min_trials=7))).reason.startswith("all 12 trials")


def test_only_trials_that_can_win_raise_the_best(tmp_path: Path) -> None:
    """Overall rises for ever, but from trial 3 on a task is below its floor: .35, .40 and .45 are all that counts."""

    def scores(number: int, index: int) -> dict[str, float]:  # noqa: ARG001
        return {"sst": number / 10, "sts": 0.7 if number < 3 else 0.6}

    tasks = {task: {"spec": builtin_tasks()[task]} for task in ("sst", "sts")}
    base = RunConfig.model_validate({"tasks": tasks, "budget": {"examples": 100, "batch_size": 4}})
    stop = StopRules(gain=GainRule(below=0.05, min_trials=12))
    options: dict[str, Any] = {"base": base, "trials": 14, "stop": stop}
    with_floor = changed(floors=(Floor("sts", 0.65, FULL),), first_trials=(), **options)
    result = Study(tmp_path / "a", scores).run(with_floor)
    assert result.reason.startswith("further trials are not expected to help")
    assert Budget(with_floor, result.study).stop_reason(12) == result.reason  # a new driver sees it in the storage
    without = changed(first_trials=(), **options)
    assert Study(tmp_path / "b", scores).run(without).reason.startswith("all 14 trials")


def test_what_is_recorded_says_the_same_as_what_was_seen(tmp_path: Path) -> None:
    """A restarted driver counts like one that was never stopped."""
    study = Study(tmp_path, rising)
    spec = spec_of(8, examples=10_000, gain=GainRule(below=0.5, min_trials=8))
    seen: list[Budget] = []

    def count(event: Event) -> None:
        if isinstance(event, StudyStarted):
            seen.append(Budget(spec, optuna.load_study(study_name="stub", storage=study.storage)))
        seen[0](event)

    result = study.run(spec, count)
    recorded = Budget(spec, result.study)
    unlimited = spec_of(None, gain=GainRule(below=0.5, min_trials=8))
    for one in (*seen, recorded):
        assert (one.ended, one.examples) == (8, 800)
        one._spec = unlimited
    assert seen[0].stop_reason(8) == recorded.stop_reason(8) != ""


def test_a_trial_that_continues_after_it_was_pruned_counts_once() -> None:
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize")
    budget = Budget(spec_of(trials=3), study)
    for number, state, examples in ((0, "complete", 100), (1, "pruned", 20)):
        budget(TrialStarted(number, {}, False, 0, 100))
        budget(TrialEnded(number, state, 0.5, "", None, 1.0, Path(), examples))
    assert (budget.ended, budget.examples) == (2, 120)
    budget(TrialStarted(1, {}, True, 0, 100, revived=True))
    assert (budget.ended, budget.examples, budget.remaining.trials) == (1, 120, 2)
    budget(TrialAdvanced(1, 30))
    assert budget.examples == 130
    budget(TrialEnded(1, "pruned", 0.6, "", None, 2.0, Path(), 40))
    assert (budget.ended, budget.examples, budget.remaining.trials) == (2, 140, 1)
