"""When a study ends, what it says then, and how it goes on."""

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
from rich.console import Console
from scripted_executor import ScriptedExecutor
from stub_study import BASE, changed

from core.config import RunConfig
from core.run.speed import Speed
from data.errors import UserError
from data.task_files import builtin_tasks
from search.console.plan import budget_line, show_estimate
from search.console.state import StudyState
from search.driver import budget
from search.driver.budget import SAVE_SECONDS, Budget, Remaining
from search.driver.driver import Driver, StudyResult
from search.driver.events import Event, StudyEnded, StudyStarted, TrialEnded, TrialEvaluated
from search.samplers.registry import SamplerChoice
from search.study.file import load_study
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
    """No trial is begun once 250 are spent, and the one that runs then goes on to its end."""
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
    """A driver that starts anew counts as the one that ran on."""
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


def test_the_display_knows_the_limit_that_comes_first() -> None:
    def state(trials: int | None, seconds: float | None, examples: int | None) -> StudyState:
        shown = StudyState(expected_seconds=100.0)
        shown(StudyStarted("s", trials, 0, (), 1, "", Path(), ("sst",), seconds_left=seconds, examples_left=examples))
        return shown

    assert state(None, None, None).seconds_left is None
    assert state(None, 3600.0, None).seconds_left == pytest.approx(3600, abs=1)
    assert state(4, 3600.0, None).seconds_left == pytest.approx(400)
    assert state(400, 3600.0, None).seconds_left == pytest.approx(3600, abs=1)
    by_examples = state(None, None, 1000)
    assert by_examples.seconds_left is None  # nothing is known of the pace yet
    by_examples._begun -= 60.0
    by_examples(TrialEnded(0, "complete", 0.5, "", None, 60.0, Path(), examples=250))
    assert by_examples.seconds_left == pytest.approx(180, rel=0.01)


STUDY = """\
tasks = ["sst"]
base.budget.examples = 6000
pruner = "none"
[space]
"heads.sst.layers" = [1, 2]
[stop]
hours = 8
examples = 500_000
gain = 0.002
"""


def load(folder: Path, text: str = STUDY, **options: Any) -> StudySpec:
    (folder / "study.toml").write_text(text)
    return load_study(folder / "study.toml", **options)


def test_stop_of_a_study_file(tmp_path: Path) -> None:
    spec = load(tmp_path)
    assert spec.trials is None
    assert spec.stop == StopRules(hours=8.0, examples=500_000, gain=GainRule(below=0.002, min_trials=20))
    line = budget_line(spec.summary())
    assert "budget: any number of trials of up to 6,000 training examples" in line
    limits = "after 8 h, after 500,000 training examples, or once doubling the cost gains less than 0.002"
    assert line.endswith(f"; no new trial {limits}")
    table = load(tmp_path, STUDY.replace("gain = 0.002", "gain = { below = 0.01, min_trials = 30 }"))
    assert table.stop.gain == GainRule(below=0.01, min_trials=30)
    none = load(tmp_path, STUDY[: STUDY.index("[stop]")])
    assert (none.trials, none.stop.is_empty) == (20, True)
    assert none.identity() == spec.identity()  # limits may change under a study
    assert load(tmp_path, "trials = 5\n" + STUDY).trials == 5


def test_options_go_before_the_file(tmp_path: Path) -> None:
    spec = load(tmp_path, hours=1.5, examples=10, trials=3)
    assert (spec.stop.hours, spec.stop.examples, spec.trials) == (1.5, 10, 3)
    assert load(tmp_path, STUDY[: STUDY.index("[stop]")], hours=2.0).trials is None
    for options, said in (({"hours": 0.0}, "hours must be above 0, got 0.0"), ({"examples": 0}, "at least 1, got 0")):
        with pytest.raises(UserError, match=said):
            load(tmp_path, **options)


def test_a_grid_and_a_comparison_have_their_own_end(tmp_path: Path) -> None:
    grid = load(tmp_path, 'sampler = "grid"\n' + STUDY)
    assert grid.trials == 3  # two points, and the base
    variants = STUDY.replace('[space]\n"heads.sst.layers" = [1, 2]', "[variants]\na = {}\nb = { heads.sst.layers = 2 }")
    assert load(tmp_path, variants.replace("gain = 0.002\n", "")).trials == 2
    with pytest.raises(UserError, match=r"study.toml:10: stop.gain: does not go with \[variants\]"):
        load(tmp_path, variants)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("", "study.toml:6: stop: is empty; give hours, examples or gain"),
        ("hours = 0", "study.toml:7: stop.hours: must be above 0, got 0"),
        ('hours = "8"', "study.toml:7: stop.hours: must be a number, got '8'"),
        ("examples = 1.5", "study.toml:7: stop.examples: must be a whole number, got 1.5"),
        ("gain = -1", "study.toml:7: stop.gain.below: must be above 0, got -1"),
        ("gain = { min_trials = 3 }", "study.toml:7: stop.gain.below: is missing"),
        (
            "gain = true",
            "study.toml:7: stop.gain: must be a number, or a table { below = 0.002, min_trials = 20 }, got True",
        ),
        ("hour = 8", "study.toml:7: stop.hour: unknown key; did you mean 'hours'?"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, lines: str, error: str) -> None:
    with pytest.raises(UserError) as raised:
        load(tmp_path, STUDY[: STUDY.index("hours")] + lines + "\n")
    assert str(raised.value) == f"{tmp_path}/{error}"


@pytest.mark.parametrize(
    ("remaining", "said"),
    [  # 6,000 examples at 10 a second, and 5 x 300 dev examples at 10 a second: 750 s
        (Remaining(None), "the search stops once further trials are not expected to help"),
        (Remaining(None, seconds=3000.0), "the budget is enough for 4 of them on 1 worker(s)"),
        (Remaining(None, seconds=3000.0, examples=13_000), "the budget is enough for 3 of them on 1 worker(s)"),
        (Remaining(20, seconds=3000.0), "20 of them on 1 worker(s) take at most 50 min"),
        (Remaining(20), "20 of them on 1 worker(s) at most 4.2 h"),
    ],
)
def test_the_estimate_does_not_promise_more_than_the_limits_allow(
    tmp_path: Path, remaining: Remaining, said: str
) -> None:
    console = Console(width=500)
    with console.capture() as captured:
        show_estimate(console, Speed(10.0, 10.0, 300), load(tmp_path), remaining)
    assert captured.get().rstrip().endswith(said)
