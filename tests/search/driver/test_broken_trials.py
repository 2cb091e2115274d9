"""Interrupted trials: started again, but not for ever, and the machine's faults are not theirs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stub_study import BASE, StubStudy, changed

from data.errors import UserError
from search.driver.events import (
    Event,
    TrialAdvanced,
    TrialEnded,
    TrialEvaluated,
    TrialRetried,
    TrialStarted,
    WorkerDied,
)
from search.driver.retries import RetryLimits
from search.executors.worker import TrainingCode

RESUME = "; fix this, then run the same command again to resume"


class KilledError(BaseException):
    """Like SIGKILL for a driver, except that its workers are killed too."""


def at_event(kind: type[Event], act: Callable[[], object], number: int = 0) -> Callable[[Event], None]:
    """Return an observer that acts at the first such event of a trial."""
    done = False

    def observe(event: Event) -> None:
        nonlocal done
        if not done and isinstance(event, kind) and event.number == number:
            done = True
            act()

    return observe


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def killed() -> None:
    raise KilledError


def states(study: StubStudy) -> list[str]:
    return [trial.state.name for trial in study.trials]


def of_type(study: StubStudy, kind: type) -> list[Any]:
    return [event for event in study.events if isinstance(event, kind)]


def test_every_way_to_break_off_is_made_up_for(tmp_path: Path) -> None:
    """Each rung in turn; every one twice in a row would be the end of it, if the rungs between did not count."""
    faults = [["raise", 8], ["exit", 12], ["memory", 24], ["die", 28], ["exit", 44], ["raise", 64], ["memory", 68]]
    whole, study = (StubStudy(tmp_path / name, changed(trials=3)) for name in ("whole", "cut"))
    whole.run()
    study.script(faults={"trial-0001": faults}).run()
    assert study.outcome() == whole.outcome()
    assert [start["examples"] for start in study.starts(1)] == [0, 0, 0, 20, 20, 40, 60, 60]
    assert [(event.exit_code, event.retried) for event in of_type(study, WorkerDied)] == [
        (137, True),
        (-9, True),
        (137, True),
    ]
    assert [event.reason for event in of_type(study, TrialRetried)] == [
        "RuntimeError: CUDA error: unspecified launch failure",
        "MemoryError: MemoryError",
    ] * 2
    assert "unspecified launch failure" in (study.folder / "trial-0001" / "error.txt").read_text() or (
        "MemoryError" in (study.folder / "trial-0001" / "error.txt").read_text()
    )


def test_other_trials_do_not_notice(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=2, workers=2))
    study.script(step_seconds=0.05, faults={"trial-0001": [["raise", 4], ["die", 4], ["exit", 4]]}).run()
    assert states(study) == ["COMPLETE", "FAIL"]
    assert len(study.starts(0)) == 1
    assert len(study.starts(1)) == 3
    assert study.trials[1].user_attrs["reason"] == (
        "crashed 3 times without reaching another rung; "
        "most recently, its worker ended with exit code 137, perhaps out of memory"
    )


def test_the_next_driver_continues_the_count(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=2)).script(trials={"trial-0001": "die"})
    assert not study.run(at_event(WorkerDied, interrupt, number=1)).finished
    assert not study.run(at_event(WorkerDied, interrupt, number=1)).finished
    assert states(study) == ["COMPLETE", "RUNNING"]
    assert study.run().finished
    assert states(study) == ["COMPLETE", "FAIL"]
    assert len(study.starts(1)) == 3


def test_a_trial_that_takes_its_driver_along_fails_in_the_end(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=2)).script(step_seconds=0.01)
    limits = RetryLimits(losses=1)
    for _ in range(3):
        assert not study.run(
            at_event(TrialAdvanced, interrupt), retry_limits=RetryLimits(losses=0)
        ).finished  # does not count
    for _ in range(2):
        with pytest.raises(KilledError):
            study.run(at_event(TrialStarted, killed), retry_limits=limits)
    assert study.run(retry_limits=limits).finished
    assert states(study) == ["FAIL", "COMPLETE"]
    assert study.trials[0].user_attrs["reason"].startswith("the search was killed 2 times while this trial ran")


@pytest.mark.parametrize("fault", ["full", "a file"])
def test_a_fault_of_the_machine_stops_the_study_and_fails_no_trial(tmp_path: Path, fault: str) -> None:
    """Met by a worker, or by the driver, though trials have scored before; the others write checkpoints."""
    whole, study = (StubStudy(tmp_path / name, changed(trials=4, workers=2)) for name in ("whole", "cut"))
    whole.run()
    obstacle = study.folder / "trial-0002"
    study.script(step_seconds=0.005, faults={"trial-0002": [["full", 84]]} if fault == "full" else {})
    if fault == "a file":
        study.folder.mkdir()
        obstacle.touch()
    with pytest.raises(UserError) as caught:
        study.run()
    file = f"cannot write '{obstacle}': Not a directory"
    assert str(caught.value) == (file if fault == "a file" else "[Errno 28] No space left on device") + RESUME
    assert "FAIL" not in states(study)
    assert "RUNNING" in states(study)
    # One that had only just been started when the fault came has nothing to save.
    had_trained = {event.number for event in of_type(study, TrialAdvanced) if event.examples > 0} - {2}
    assert had_trained
    if fault == "a file":
        obstacle.unlink()
    assert study.script().run().finished
    assert states(study) == ["COMPLETE"] * 4
    assert not of_type(study, WorkerDied)
    for number in had_trained:
        assert study.starts(number)[-1]["examples"] > 0 or len(study.starts(number)) == 1
    ended = [event.number for event in of_type(study, TrialEnded)]
    assert sorted(ended) == [0, 1, 2, 3]


def test_damaged_checksums_of_a_trial_that_is_resumed(tmp_path: Path) -> None:
    """They would be lost if the trial simply went on."""
    study = StubStudy(tmp_path, changed(trials=2))
    assert not study.run(at_event(TrialEvaluated, interrupt)).finished
    damaged = study.folder / "trial-0000" / "checksums.json"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"trial-0000/checksums\.json: the file is damaged, .* or delete it to use "):
        study.run()
    assert states(study) == ["RUNNING"]
    damaged.unlink()
    assert study.run().finished
    assert states(study) == ["COMPLETE"] * 2


def test_an_input_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """By both workers, before the first step and in the middle; one line says for what, one that it is over."""
    whole, study = (StubStudy(tmp_path / name, changed(trials=3)) for name in ("whole", "cut"))
    whole.run()
    faults = {"trial-0001": [["away", 0], ["away", 0]], "trial-0002": [["stale", 24], ["stale", 64]]}
    with warnings.catch_warnings(record=True) as shown:
        study.script(step_seconds=0.002, faults=faults).run()
    assert study.outcome() == whole.outcome()
    assert [start["examples"] for start in study.starts(2)] == [0, 20, 60]
    assert len({start["pid"] for start in study.starts(1)}) == 1
    lines = [re.sub(r"\d+ s$", "N s", str(one.message)) for one in shown]
    assert lines == [
        "no data folder 'data'; trying again for 10 min",
        "all inputs can be read again after N s",
        *["'data/train.csv': Stale file handle; trying again for 10 min", "all inputs can be read again after N s"] * 2,
    ]
    assert not of_type(study, TrialRetried)


@pytest.mark.parametrize("end", ["Ctrl-C", "ten minutes"])
def test_no_trial_fails_although_its_input_stays_away(tmp_path: Path, end: str) -> None:
    study = StubStudy(tmp_path, changed(trials=2)).script(faults={"trial-0001": [["away", 0]] * 9})
    if end == "ten minutes":
        study.code = TrainingCode("impatient_training:train", "stub_training:measure_speed", "stub_training:Resources")
        with pytest.raises(
            UserError, match=r"^no data folder 'data'; waited for 10 min; fix this, then run the same command again to"
        ):
            study.run()
    else:
        threading.Timer(4.0, interrupt).start()
        assert not study.run().finished
    assert states(study) == ["COMPLETE", "RUNNING"]
    assert study.script().run().finished
    assert states(study) == ["COMPLETE", "COMPLETE"]


def test_a_warning_of_many_workers_is_shown_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = StubStudy(tmp_path, changed(trials=4, workers=2)).script(warn="the metric is\nundefined")
    with pytest.warns(UserWarning, match="^the metric is undefined$") as shown:
        study.run()
    assert len(shown) == 1
    assert capfd.readouterr().err == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 200 kB for this test alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("to this user it is not permitted to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_really_full(tmp_path: Path, small_disk: Path) -> None:
    """Two checkpoints of 90 kB and their successors: only with more room does the study come to its end."""

    class SplitStudy(StubStudy):
        @property
        def folder(self) -> Path:
            return small_disk / "stub"

    study = SplitStudy(tmp_path, changed(trials=4, workers=2)).script(step_seconds=0.005, padding=90_000)
    for _ in range(2):
        with pytest.raises(UserError, match=r"^cannot write .*: No space left on device; fix this, then run the same"):
            study.run()
        assert "FAIL" not in states(study)
        assert not list(small_disk.rglob("*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    assert study.run().finished
    assert states(study) == ["COMPLETE"] * 4


def test_a_folder_deleted_between_two_drivers(tmp_path: Path) -> None:
    whole, study = (StubStudy(tmp_path / name, changed(trials=3)) for name in ("whole", "cut"))
    whole.run()
    study.script(step_seconds=0.005)

    def at_second_rung(event: Event) -> None:
        if isinstance(event, TrialEvaluated) and event.number == 1 and event.evaluation.rung == BASE.rungs[1]:
            interrupt()

    assert not study.run(at_second_rung).finished
    shutil.rmtree(study.folder)
    assert study.script().run().finished
    assert study.outcome() == whole.outcome()
    assert study.starts(1)[0]["examples"] == 0
    assert not (study.folder / "trial-0000").exists()


def test_damaged_metrics_of_an_ended_trial_do_not_stop_a_study(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=1))
    study.run()
    (study.folder / "trial-0000" / "metrics.jsonl").write_text("{")
    study.spec = replace(study.spec, trials=2)
    with pytest.warns(UserWarning, match=r"metrics\.jsonl: the file is damaged"):
        assert study.run().finished


@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupt_while_one_trains_and_another_loads(tmp_path: Path, signals: int) -> None:
    study = StubStudy(tmp_path, changed(trials=3, workers=2)).script(step_seconds=0.02, trials={"trial-0001": "load"})
    started = study.folder / "trial-0001"

    def act(event: Event) -> None:
        if isinstance(event, TrialEvaluated) and started.exists():
            for _ in range(signals):
                interrupt()

    begun = time.monotonic()
    assert not study.run(act).finished
    assert time.monotonic() - begun < 40
    assert set(states(study)) == {"RUNNING"}
    assert not of_type(study, WorkerDied)
    assert study.script().run().finished
    assert study.starts(0)[1]["examples"] >= BASE.rungs[0]
    assert states(study) == ["COMPLETE"] * 3
