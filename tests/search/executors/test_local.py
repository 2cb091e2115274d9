"""Worker processes, one message at a time."""

import os
import signal
import sys
import threading
import time
import types
from collections.abc import Iterator
from multiprocessing import spawn
from multiprocessing.context import SpawnProcess
from pathlib import Path

import optuna
import psutil
import pytest
from stub_study import BASE, StubStudy, changed

from core.config import ComputeConfig
from core.run.gpus import Device
from core.run.precision_choice import PrecisionChoice
from data.errors import MachineError, UserError
from search.driver.events import DeviceLost, TrialRetried, TrialStarted, WorkerDied
from search.executors.base import ExecutorError
from search.executors.local import LocalExecutor
from search.executors.messages import (
    Advanced,
    Checked,
    Crashed,
    Died,
    Ended,
    Evaluated,
    MachineFault,
    Message,
    Ready,
    TrialJob,
)
from search.samplers.registry import SamplerChoice


@pytest.fixture
def study(tmp_path: Path) -> StubStudy:
    return StubStudy(tmp_path)


@pytest.fixture
def executor(study: StubStudy) -> Iterator[LocalExecutor]:
    executor = study.executor()
    yield executor
    executor.stop()


def job(study: StubStudy, number: int = 0) -> TrialJob:
    folder = study.folder / f"trial-{number:04d}"
    folder.mkdir(parents=True, exist_ok=True)
    return TrialJob(number, BASE, folder)


def wait_for(executor: LocalExecutor, kind: type[Message]) -> Message:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for message in executor.events(20):
            if isinstance(message, kind):
                return message
    raise AssertionError(f"no {kind.__name__} in time")


def test_a_run_waits_at_every_rung(study: StubStudy, executor: LocalExecutor) -> None:
    executor.start()
    assert executor.submit(job(study)) == 0
    assert executor.idle == 0
    for rung in BASE.rungs:
        message = wait_for(executor, Evaluated)
        assert isinstance(message, Evaluated)
        assert message.evaluation.rung == rung
        assert not executor.events(0.1)
        executor.decide(0, rung < BASE.rungs[2])
        if rung == BASE.rungs[2]:
            break
    assert wait_for(executor, Ended) == Ended(0, "pruned")
    assert executor.idle == 1


def test_measuring(study: StubStudy, executor: LocalExecutor) -> None:
    assert executor.measure(BASE).train_examples_per_second == BASE.budget.examples
    study.script(measure="refuse")
    with pytest.raises(UserError, match=r"train\.csv does not exist"):
        executor.measure(BASE)
    study.script(measure="raise")
    with pytest.raises(ExecutorError, match="failed: ZeroDivisionError: no reason"):
        executor.measure(BASE)
    study.script(measure="die")
    with pytest.warns(UserWarning, match="exit code 7"), pytest.raises(ExecutorError, match="exit code 7"):
        executor.measure(BASE)
    study.script()
    assert executor.measure(BASE).scored_examples == 3  # a new worker


def test_the_precision_is_chosen_by_a_worker(study: StubStudy, executor: LocalExecutor) -> None:
    study.script(precision="bfloat16", bfloat16="refuse")
    assert executor.choose_precision(BASE) == PrecisionChoice("bfloat16", "as the script says")
    half = BASE.model_copy(update={"compute": ComputeConfig(precision="bfloat16")})
    with pytest.raises(UserError, match="device 'cpu' does not support bfloat16 here"):
        executor.choose_precision(half)


def test_an_encoder_is_asked_about_configurations(study: StubStudy, executor: LocalExecutor) -> None:
    heads = [{"sst": {"layers": layers}} for layers in (1, 3, 4)]
    configs = [BASE.model_validate(BASE.model_dump() | {"heads": head}) for head in heads]
    assert executor.check(configs) == Checked(3)
    study.script(encoder=2)
    assert executor.check(configs) == Checked(1, "heads.sst.layers = 3, but encoder 'x' has 2 layers")
    study.script(encoder="raise")
    with pytest.raises(ExecutorError, match="loading the encoder failed: ZeroDivisionError: no reason"):
        executor.check(configs)
    assert executor.idle == 1
    study.script()
    assert executor.measure(BASE).scored_examples == 3


def test_death_is_seen_at_once(study: StubStudy, executor: LocalExecutor) -> None:
    study.script(step_seconds=60.0)
    executor.start()
    executor.submit(job(study))
    (worker,) = workers()
    while not (study.folder / "trial-0000" / "starts.jsonl").exists():
        time.sleep(0.01)
    begun = time.monotonic()
    worker.kill()
    assert wait_for(executor, Died) == Died(0, 0, -signal.SIGKILL)
    assert time.monotonic() - begun < 1.0
    assert executor.idle == 1
    assert workers() != [worker]


def test_a_crash_ends_its_process_and_is_reported_once(study: StubStudy, executor: LocalExecutor) -> None:
    study.script(trials={"trial-0000": "raise"})
    executor.start()
    executor.submit(job(study))
    (worker,) = workers()
    assert wait_for(executor, Crashed) == Crashed(0, "ZeroDivisionError: no reason")
    told: list[Message] = []
    while executor.idle == 0:  # it takes no other job before it is replaced
        told += executor.events(20)
    assert not worker.is_running()
    executor.submit(job(study, 1))
    while not any(isinstance(message, Evaluated) for message in told):
        told += executor.events(20)
    assert not [message for message in told if isinstance(message, Died)]


def test_workers_killed_while_they_start_are_replaced(study: StubStudy, executor: LocalExecutor) -> None:
    executor.start()
    executor.submit(job(study))
    for _ in range(4):
        (worker,) = workers()
        worker.kill()
        wait_for(executor, Died)
    executor.submit(job(study))
    wait_for(executor, Evaluated)


def test_a_folder_that_cannot_be_is_the_machines_fault(study: StubStudy, executor: LocalExecutor) -> None:
    executor.start()
    order = job(study)
    order.folder.rmdir()
    order.folder.touch()
    executor.submit(order)
    assert wait_for(executor, MachineFault) == MachineFault(0, f"cannot write '{order.folder}': File exists")
    assert executor.idle == 1
    order.folder.unlink()
    executor.submit(order)
    wait_for(executor, Evaluated)


def workers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]


def test_a_worker_does_not_import_the_program_that_starts_it(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As multiprocessing would have it: a driver's main module brings Optuna, the dashboard and half of SciPy."""
    main, told = types.ModuleType("__main__"), []
    main.__file__ = "/somewhere/run.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    original = spawn.get_preparation_data

    def noted(name: str) -> dict[str, object]:
        told.append(original(name))
        return told[-1]

    monkeypatch.setattr(spawn, "get_preparation_data", noted)
    executor.start()
    wait_for(executor, Ready)
    assert "sys_path" in told[0]
    assert not [key for data in told for key in data if key.startswith("init_main")]
    assert main.__file__ == "/somewhere/run.py"
    assert "init_main_from_path" in original("x")


def test_a_wake_up_ends_the_wait(executor: LocalExecutor) -> None:
    threading.Timer(0.2, executor.wake).start()
    begun = time.monotonic()
    assert not executor.events(20)
    assert time.monotonic() - begun < 5
    for _ in range(100_000):  # more than the pipe holds
        executor.wake()


def test_workers_ignore_interrupts(study: StubStudy, executor: LocalExecutor) -> None:
    study.script(step_seconds=0.01)
    executor.start()
    for worker in workers():
        worker.send_signal(signal.SIGINT)  # while it starts
    executor.submit(job(study))
    wait_for(executor, Advanced)
    for worker in workers():
        worker.send_signal(signal.SIGINT)
        worker.send_signal(signal.SIGTERM)
    wait_for(executor, Evaluated)


def test_a_worker_killed_while_it_is_started(executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it has read what to do: the pipe breaks in our hands. Another one is started, up to a limit."""
    start, broken = SpawnProcess.start, [True, True]

    def start_or_break(process: SpawnProcess) -> None:
        if broken and broken.pop():
            raise BrokenPipeError
        start(process)

    monkeypatch.setattr(SpawnProcess, "start", start_or_break)
    executor.start()
    wait_for(executor, Ready)
    assert len(workers()) == 1
    executor.stop()
    broken.extend([True] * 100)
    with pytest.raises(ExecutorError, match="20 worker processes in a row were killed while they were started"):
        executor.start()


def test_stopping_leaves_no_process(study: StubStudy, executor: LocalExecutor) -> None:
    study.script(step_seconds=60.0)
    executor.start()
    executor.submit(job(study))
    before = workers()
    assert len(before) == 1
    executor.stop()
    assert not [worker for worker in before if worker.is_running()]
    executor.stop()


def test_submitting_to_busy_workers(study: StubStudy, executor: LocalExecutor) -> None:
    executor.start()
    executor.submit(job(study))
    with pytest.raises(ExecutorError, match="all 1 workers are busy"):
        executor.submit(job(study, 1))


def test_at_least_one_worker(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        LocalExecutor(0, tmp_path)


def test_thread_variables_are_the_workers_own(tmp_path: Path) -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    study = StubStudy(tmp_path, changed(trials=1))
    study.driver(LocalExecutor(1, tmp_path / "cache", threads=3, code=study.code)).run()
    assert study.starts(0)[0]["threads"] == "3"
    assert os.environ.get("OMP_NUM_THREADS") == before


@pytest.mark.parametrize("given", [None, "glibc.malloc.check=1"])
def test_memory_in_large_pages_unless_the_user_has_tuned_it(
    given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if given:
        monkeypatch.setenv("GLIBC_TUNABLES", given)
    study = StubStudy(tmp_path, changed(trials=1))
    study.driver(LocalExecutor(1, tmp_path / "cache", code=study.code)).run()
    tuned = study.starts(0)[0]["tunables"]
    assert tuned == given or (given is None and "glibc.malloc.hugetlb=1" in tuned)
    assert os.environ.get("GLIBC_TUNABLES") == given


def test_a_worker_that_dies_while_it_loads_the_encoder(study: StubStudy, executor: LocalExecutor) -> None:
    study.script(encoder="die once")
    with pytest.warns(UserWarning, match=r"^a worker died \(exit code -9\) while loading the encoder; trying again$"):
        assert executor.check([BASE]) == Checked(1)


def test_a_worker_whose_driver_dies_while_it_starts_says_nothing(
    executor: LocalExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    executor.start()
    (worker,) = workers()
    executor._slots[0].connection.close()
    worker.wait(20)
    executor._slots.clear()
    assert capfd.readouterr().err == ""


DEVICES = tuple(Device(f"cuda:{at}", f"GPU-{name}") for at, name in enumerate("ab"))


def on_devices(study: StubStudy, workers: int, devices: tuple[Device, ...] = DEVICES) -> LocalExecutor:
    return LocalExecutor(workers, study.root / "cache", code=study.code, devices=devices)


def test_workers_are_pinned_to_devices_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "before")
    study = StubStudy(tmp_path, changed(trials=4, workers=4)).script(step_seconds=0.01)
    study.driver(on_devices(study, 4)).run([study.events.append])
    started = [event for event in study.events if isinstance(event, TrialStarted)]
    assert [event.device for event in started] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    assert [study.starts(event.number)[0]["device"] for event in started] == ["GPU-a", "GPU-b", "GPU-a", "GPU-b"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "before"


def test_without_devices_nothing_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    study = StubStudy(tmp_path, changed(trials=1))
    study.run()
    assert study.starts(0)[0]["device"] is None
    assert next(event for event in study.events if isinstance(event, TrialStarted)).device == ""


@pytest.mark.parametrize("workers", [2, 4])
def test_a_device_that_fails_is_used_no_longer(workers: int, tmp_path: Path) -> None:
    """Its trials continue elsewhere, from their checkpoints, and end as if nothing had happened."""
    alone = StubStudy(tmp_path / "alone", changed(sampler=SamplerChoice("random"), trials=8))
    alone.run()
    study = StubStudy(tmp_path / "study", changed(sampler=SamplerChoice("random"), trials=8, workers=workers))
    study.script(broken={"GPU-b": 48}, step_seconds=0.002)
    assert study.driver(on_devices(study, workers)).run([study.events.append]).finished
    assert study.outcome() == alone.outcome()
    lost = [event for event in study.events if isinstance(event, DeviceLost)]
    assert {event.device for event in lost} == {"cuda:1"}
    assert {event.workers for event in lost} == {workers // 2}
    assert lost[0].reason == "CUDA error: uncorrectable ECC error encountered"
    assert not [event for event in study.events if isinstance(event, TrialRetried | WorkerDied)]
    moved = {event.number for event in lost}
    for number in range(8):
        starts = study.starts(number)
        assert [start["device"] for start in starts] == (["GPU-b", "GPU-a"] if number in moved else ["GPU-a"])
        assert starts[-1]["examples"] == (40 if number in moved else 0)


def test_when_the_last_device_fails_the_study_stops_and_can_be_resumed(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(trials=4, workers=2)).script(broken={"GPU-a": 48, "GPU-b": 48})
    with pytest.raises(MachineError, match=r"^cuda:\d: CUDA error: uncorrectable .*; no other device is left"):
        study.driver(on_devices(study, 2)).run()
    assert {trial.state for trial in study.trials} == {optuna.trial.TrialState.RUNNING}
    study.script()
    assert study.driver(on_devices(study, 2)).run().finished


def test_a_device_that_fails_in_a_measurement(tmp_path: Path) -> None:
    study = StubStudy(tmp_path).script(measure="broken")
    executor = on_devices(study, 2)
    try:
        with pytest.warns(UserWarning, match=r"^cuda:0 is used no longer: CUDA error: uncorrectable"):
            assert executor.measure(BASE).train_examples_per_second > 0
        assert executor.idle == 1
        end = time.monotonic() + 20.0
        while len(executor._slots) > 1 and time.monotonic() < end:
            executor.events(1.0)
        assert [slot.device for slot in executor._slots] == [DEVICES[1]]  # no other worker was started on the lost one
    finally:
        executor.stop()
    executor = on_devices(study, 1, DEVICES[:1])
    try:
        with pytest.raises(ExecutorError, match="measuring the speed failed: cuda:0: CUDA error"):
            executor.measure(BASE)
    finally:
        executor.stop()
