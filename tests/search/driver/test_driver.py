"""The driver with real worker processes and stub training."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from optuna_dashboard import get_note
from stub_study import BASE, SPACE, STUB, StubStudy, changed

from data.errors import UserError
from search.driver.events import (
    Event,
    StudyEnded,
    StudyStarted,
    TrialAdvanced,
    TrialEnded,
    TrialEvaluated,
    TrialRetried,
    TrialStarted,
    WorkerDied,
)
from search.executors.base import ExecutorError
from search.executors.worker import TrainingCode
from search.preflight.study_inputs import StudyInputs
from search.storage.open import open_storage
from search.trials.record import TrialRecord

ROOT = Path(__file__).resolve().parents[3]


def kill_at(number: int, count: int, signals: int = 1) -> Any:
    """Return an observer that sends this process SIGINT at the ``count``-th evaluation of a trial."""
    seen = 0

    def observe(event: Event) -> None:
        nonlocal seen
        if isinstance(event, TrialEvaluated) and event.number == number:
            seen += 1
            if seen == count:
                for _ in range(signals):
                    os.kill(os.getpid(), signal.SIGINT)

    return observe


def of_type(study: StubStudy, kind: type) -> list[Any]:
    return [event for event in study.events if isinstance(event, kind)]


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> StubStudy:
    study = StubStudy(tmp_path_factory.mktemp("undisturbed"), changed(pruner="hyperband", trials=7))
    assert study.run().finished
    return study


def test_a_study_runs_to_its_end(undisturbed: StubStudy) -> None:
    study, trials = undisturbed, undisturbed.trials
    assert [trial.number for trial in trials] == list(range(7))
    states = [trial.state.name for trial in trials]
    assert "PRUNED" in states
    assert states.count("COMPLETE") >= 2
    started, ended = study.events[0], study.events[-1]
    assert isinstance(started, StudyStarted)
    assert (started.done, started.resumed, started.tasks) == (0, (), ("sst",))
    assert isinstance(ended, StudyEnded)
    assert ended.counts == {"complete": states.count("COMPLETE"), "pruned": states.count("PRUNED"), "failed": 0}
    assert [event.number for event in of_type(study, TrialEnded)] == list(range(7))
    assert [event.number for event in of_type(study, TrialStarted)] == list(range(7))


def test_the_first_trial_is_the_default_configuration(undisturbed: StubStudy) -> None:
    records = [TrialRecord.read(trial) for trial in undisturbed.trials]
    assert records[0].config == BASE
    assert [record.role for record in records] == ["default"] + ["proposed"] * 6


def test_a_default_outside_the_space_is_not_tried(tmp_path: Path) -> None:
    outside = BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"learning_rate": 0.5})})
    study = StubStudy(tmp_path, changed(base=outside, trials=1))
    study.run()
    record = TrialRecord.read(study.trials[0])
    assert record.role == "proposed"
    assert record.config is not None
    assert record.config.optim.learning_rate <= 1e-2


def test_what_is_recorded_of_each_trial(undisturbed: StubStudy) -> None:
    for trial in undisturbed.trials:
        folder = undisturbed.folder / f"trial-{trial.number:04d}"
        evaluations = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        result = TrialRecord.read(trial).result
        best = max(evaluations, key=lambda evaluation: evaluation["overall"])
        assert result.overall == best["overall"]
        assert result.scores == best["scores"]
        assert result.best_rung == best["rung"]
        assert (result.examples, result.seconds) == (evaluations[-1]["examples"], evaluations[-1]["seconds"])
        assert trial.intermediate_values == {e["rung"]: e["overall"] for e in evaluations}
        if trial.state.name == "COMPLETE":
            assert (trial.value, result.reason) == (best["overall"], "")
        else:
            assert trial.value == evaluations[-1]["overall"]
            assert result.reason == f"pruned at {evaluations[-1]['rung']} examples"
        assert json.loads((folder / "config.json").read_text()) == json.loads(trial.user_attrs["config"])


def test_disk_is_bounded(undisturbed: StubStudy) -> None:
    complete = [trial for trial in undisturbed.trials if trial.state.name == "COMPLETE"]
    best = sorted(complete, key=lambda trial: -trial.value)[:2]
    kept = {path.parents[1].name for path in undisturbed.folder.glob("trial-*/best/model.safetensors")}
    assert kept == {f"trial-{trial.number:04d}" for trial in best}
    assert not list(undisturbed.folder.glob("trial-*/checkpoint*"))


def test_the_dashboard_gets_notes_and_curves(undisturbed: StubStudy) -> None:
    study = optuna.load_study(study_name="stub", storage=open_storage(None, undisturbed.root))
    attrs = study._storage.get_study_system_attrs(study._study_id)
    trial = undisturbed.trials[0]
    note = get_note(optuna.trial.Trial(study, trial._trial_id))
    assert f"| **{trial.value:.4f}** |" in note
    prefix = "dashboard:plot_data:curves-sst:"
    parts = [attrs[f"{prefix}{part}"] for part in range(99) if f"{prefix}{part}" in attrs]
    figure = json.loads("".join(parts))
    assert [line["name"] for line in figure["data"]] == [f"trial {n}" for n in range(7)]


def test_later_trials_start_fast_in_the_same_process(undisturbed: StubStudy) -> None:
    starts = [undisturbed.starts(number)[0] for number in range(7)]
    assert len({start["pid"] for start in starts}) == 1
    assert [start["run_of_process"] for start in starts] == list(range(1, 8))
    assert {start["threads"] for start in starts} == {"1"}


@pytest.mark.parametrize("pruner", ["hyperband", "halving", "median"])
def test_an_interrupted_study_equals_an_uninterrupted_one(tmp_path: Path, pruner: str) -> None:
    whole = StubStudy(tmp_path / "whole", changed(pruner=pruner))
    whole.run()
    study = StubStudy(tmp_path / "cut", changed(pruner=pruner))
    for number, count in ((0, 2), (1, 1), (4, 1)):
        study.script(step_seconds=0.002)
        result = study.run(kill_at(number, count))
        assert not result.finished
        states = [trial.state.name for trial in study.trials]
        assert states.count("RUNNING") + states.count("WAITING") <= 1
    study.script()
    assert study.run().finished
    assert study.outcome() == whole.outcome()
    begun = study.starts(0)
    assert begun[0]["examples"] == 0
    assert begun[1]["examples"] >= BASE.rungs[1]
    numbers = [event.number for event in of_type(study, TrialEnded)]
    assert sorted(numbers) == sorted(set(numbers))
    assert of_type(study, StudyStarted)[1].resumed == (0,)


def test_interrupted_between_rungs_a_run_is_saved_where_it_is(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=1)).script(step_seconds=0.02)

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialAdvanced):
            os.kill(os.getpid(), signal.SIGTERM)

    assert not study.run(interrupt).finished
    study.run()
    _, second = study.starts(0)
    assert 0 < second["examples"] < BASE.rungs[0]


def test_a_second_interrupt_kills(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=1)).script(step_seconds=0.5)

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialAdvanced):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    begun = time.monotonic()
    assert not study.run(interrupt).finished
    assert time.monotonic() - begun < 20
    assert study.trials[0].state.name == "RUNNING"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not is_alive(study.starts(0)[0]["pid"])


def drive(root: Path, options: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "tests/search/stubs/stub_study.py"), str(root), json.dumps(options)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True
    )


def test_a_killed_driver_loses_nothing(tmp_path: Path, undisturbed: StubStudy) -> None:
    """SIGKILL at random moments; the same command ends the study with the same trials, each recorded once."""
    rng = random.Random(0)
    study = StubStudy(tmp_path).script(step_seconds=0.004)
    options = {"pruner": "hyperband", "trials": 7}
    ended: list[int] = []
    kills = 0
    while True:
        process = drive(tmp_path, options)
        assert process.stdout is not None
        stop_after = rng.randrange(2, 10) if kills < 3 else -1
        for seen, line in enumerate(process.stdout):
            event = json.loads(line)
            if event["event"] == "TrialEnded":
                ended.append(event["number"])
            if seen == stop_after and event["event"] != "StudyEnded":
                time.sleep(rng.random() * 0.1)
                process.kill()
        status = process.wait(60)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        kills += 1
    assert kills >= 2
    assert len(ended) == len(set(ended))
    assert study.outcome() == undisturbed.outcome()
    pids = {start["pid"] for number in range(7) for start in study.starts(number)}
    assert len(pids) > 2
    assert not [pid for pid in pids if is_alive(pid)]  # no worker outlives its driver for long


def test_ctrl_c_in_a_terminal_reaches_workers_too(tmp_path: Path) -> None:
    StubStudy(tmp_path).script(step_seconds=0.01)
    process = drive(tmp_path, {"trials": 2})
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "TrialEvaluated":
        pass
    os.killpg(process.pid, signal.SIGINT)
    rest = [json.loads(line)["event"] for line in process.stdout]
    assert process.wait(30) == 130
    assert "WorkerDied" not in rest
    assert rest[-1] == "StudyEnded"


def test_trials_mean_in_total(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=2))
    assert study.driver().remaining.trials == 2
    study.run()
    study.spec = changed(trials=3)
    assert study.driver().remaining.trials == 1
    study.run()
    assert len(study.trials) == 3
    study.run()
    assert len(study.trials) == 3
    study.spec = changed(trials=1)
    assert study.run().finished
    assert len(study.trials) == 3


def test_two_workers(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(workers=2, trials=8)).script(step_seconds=0.005)
    study.run(kill_at(2, 2))
    running = [trial.number for trial in study.trials if trial.state.name == "RUNNING"]
    assert 2 in running
    assert len(running) <= 2
    study.run()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 8
    assert {event.worker for event in of_type(study, TrialStarted)} == {0, 1}
    assert of_type(study, StudyStarted)[1].resumed == tuple(running)
    assert [start["examples"] >= BASE.rungs[1] for start in study.starts(2)] == [False, True]


def test_a_dead_worker_is_replaced_and_its_trial_continues(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=4)).script(trials={"trial-0001": "die once"})
    study.run()
    assert [(e.worker, e.number, e.exit_code, e.retried) for e in of_type(study, WorkerDied)] == [(0, 1, -9, True)]
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
    first, second = study.starts(1)
    assert first["pid"] != second["pid"]
    assert second["examples"] == BASE.rungs[1]  # from its checkpoint
    evaluated = [event.evaluation.rung for event in of_type(study, TrialEvaluated) if event.number == 1]
    assert evaluated == list(BASE.rungs)


def test_a_deadly_trial_fails_after_two_retries(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=3)).script(trials={"trial-0001": "die"})
    study.run()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert [event.retried for event in of_type(study, WorkerDied)] == [True, True, False]
    assert study.trials[1].user_attrs["reason"] == (
        "crashed 3 times without reaching another rung; "
        "most recently, its worker was killed by SIGKILL, perhaps out of memory"
    )


def test_failures_of_runs(tmp_path: Path) -> None:
    fates = {"trial-0001": "raise", "trial-0002": "diverge", "trial-0003": "nan", "trial-0004": "refuse"}
    study = StubStudy(tmp_path).script(trials=fates)
    assert study.run().counts == {"complete": 2, "pruned": 0, "failed": 4}
    assert [trial.user_attrs["reason"] for trial in study.trials] == [
        "",
        "crashed 3 times without reaching another rung; most recently, ZeroDivisionError: no reason",
        "loss of sst is nan at step 12",
        "overall score is nan at 40 examples",
        "file data/train.csv does not exist",
        "",
    ]
    assert "ZeroDivisionError" in (study.folder / "trial-0001" / "error.txt").read_text()
    assert study.trials[3].intermediate_values.keys() == {20}
    assert [len(study.starts(n)) for n in range(6)] == [1, 3, 1, 1, 1, 1]
    pids = [start["pid"] for number in range(6) for start in study.starts(number)]
    assert len(set(pids)) == 4  # a new one after each crash, and only then
    assert not of_type(study, WorkerDied)
    assert of_type(study, TrialRetried) == [TrialRetried(1, "ZeroDivisionError: no reason")] * 2


def test_unusable_input_ends_the_study_not_all_trials(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=2)).script(trials={"trial-0000": "refuse"})
    with pytest.raises(UserError, match=r"train\.csv does not exist"):
        study.run()
    assert [trial.state.name for trial in study.trials] == ["RUNNING"]
    assert study.events[-1] == StudyEnded("stub", False, {"complete": 0, "pruned": 0, "failed": 0})
    study.script()
    study.run()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 2


def test_code_that_cannot_be_imported_ends_the_study(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = StubStudy(tmp_path, code=TrainingCode("broken_training:train", STUB.measure, STUB.resources))
    with pytest.raises(ExecutorError, match=r"3 worker processes in a row died while starting .* exit code 1"):
        study.run()
    assert "there is no such library" in capfd.readouterr().err


def test_another_study_of_the_same_name_is_refused(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=1))
    study.run(inputs=StudyInputs("abc"))
    wider = type(SPACE)((*SPACE.dimensions[1:],))
    study.spec = changed(space=wider, seed=4)
    with pytest.raises(UserError, match=r"optim.learning_rate: was searched.*seed: was 3, is now 4.*--name NEW"):
        study.run()
    study.spec = changed(trials=1)
    with pytest.raises(UserError, match=r"data files, .*have changed since study 'stub' began; .*--name NEW"):
        study.run(inputs=StudyInputs("abd"))
    assert study.run(inputs=StudyInputs("abc")).finished


def test_a_study_without_scores_may_be_changed(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=2)).script(trials={"trial-0000": "refuse"})
    with pytest.raises(UserError):
        study.run(inputs=StudyInputs("abc"))  # the user corrects a mistake and runs the same command again
    study.script().spec = changed(trials=2, seed=9)
    assert study.run(inputs=StudyInputs("abd")).finished
    assert [trial.number for trial in study.trials] == [0, 1]
    with pytest.raises(UserError, match=r"seed: was 9, is now 8"):
        StubStudy(tmp_path, changed(trials=2, seed=8)).run()


def test_a_foreign_study_is_refused(tmp_path: Path) -> None:
    foreign = optuna.create_study(study_name="stub", storage=open_storage(None, tmp_path), direction="maximize")
    foreign.ask()
    with pytest.raises(UserError, match="a study 'stub' of another program"):
        StubStudy(tmp_path).run()


def test_moved_data_are_found_by_a_resumed_trial(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=1)).script(step_seconds=0.002)
    study.run(kill_at(0, 1))
    base = BASE.model_copy(update={"data": BASE.data.model_copy(update={"directory": "elsewhere"})})
    study.spec = changed(trials=1, base=base)
    study.run()
    assert json.loads((study.folder / "trial-0000" / "config.json").read_text())["data"]["directory"] == "elsewhere"
    assert len(study.starts(0)) == 2
