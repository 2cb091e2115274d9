"""Studies on a real Ray cluster of several nodes on this machine; they are killed, stopped and added while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from ray import cluster_utils
from stub_study import STUB, StubStudy, changed

from data.errors import UserError
from search.driver.driver import Driver, StudyResult
from search.driver.events import (
    DeviceLost,
    Event,
    TrialAdvanced,
    TrialEnded,
    TrialEvaluated,
    TrialRetried,
    TrialStarted,
    WorkerDied,
)
from search.driver.retries import RetryLimits
from search.executors import ray_cluster
from search.executors.base import ExecutorError
from search.executors.ray_cluster import RayExecutor, RayRequest
from search.executors.worker import TrainingCode
from search.storage.open import open_storage
from search.storage.runs_url import copy_of
from search.trials.remote_study import study_folder
from tests.search.postgresql import Server, a_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STUBS = Path(__file__).parents[1] / "stubs"
UNLIMITED = RetryLimits(crashes=10**6, losses=10**6)
Run = Callable[..., subprocess.CompletedProcess[str]]
QUICK_CHECKS = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 4,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Return a cluster whose head takes no workers, and whose one other node takes one."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(STUBS), str(STUBS.parents[2]), *filter(None, [before])])
    head = {"num_cpus": 0, "_system_config": QUICK_CHECKS, "include_dashboard": False}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1)
    yield cluster
    import ray

    ray.shutdown()
    cluster.shutdown()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def second_node(cluster: Any) -> Iterator[Any]:
    node = cluster.add_node(num_cpus=1)
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node)


class RayStudy(StubStudy):
    """A study of the stub training on a cluster."""

    def __init__(self, root: Path, cluster: Any, **changes: Any) -> None:
        super().__init__(root, changed(sampler=changed().sampler.__class__("random"), trials=8, **changes))
        self.cluster = cluster
        self.script(step_seconds=0.02)

    def ray_executor(self, code: TrainingCode = STUB) -> RayExecutor:
        return RayExecutor(self.spec.workers, self.root / "cache", RayRequest(self.cluster.address), code=code)

    def train(self, *observers: Callable[[Event], None]) -> StudyResult:
        return self.driver(self.ray_executor(), retry_limits=UNLIMITED).run([self.events.append, *observers])

    def assert_undisturbed(self, root: Path) -> None:
        """Every trial ended once, as in a study of one worker on this machine."""
        alone = StubStudy(root, replace(self.spec, workers=1))
        alone.run()
        assert self.outcome() == alone.outcome()
        seen = [(event.number, event.evaluation.rung) for event in self.events if isinstance(event, TrialEvaluated)]
        assert len(seen) == len(set(seen)) == sum(len(trial.intermediate_values) for trial in self.trials)


def workers(cluster: Any) -> list[psutil.Process]:
    """The actors of this cluster whose work has begun; other tests may have clusters at the same time."""
    processes = [process for node in cluster.list_all_nodes() for process in family(node)]
    return [process for process in processes if "ray::_Actor.work" in " ".join(_words(process))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def family(node: Any) -> list[psutil.Process]:
    """The processes of a node."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [raylet, *raylet.children(recursive=True)]


def once(kind: type[Event], do: Callable[[], None], after: int = 1) -> Callable[[Event], None]:
    """Return an observer that does something when it has seen so many events of a kind."""
    seen = list[Event]()

    def observe(event: Event) -> None:
        if isinstance(event, kind):
            seen.append(event)
            if len(seen) == after:
                do()

    return observe


@pytest.mark.usefixtures("second_node")
def test_two_nodes_train_a_study(cluster: Any, tmp_path: Path) -> None:
    study = RayStudy(tmp_path / "ray", cluster, workers=5)  # more than the cluster has room for
    assert study.train().finished
    study.assert_undisturbed(tmp_path / "alone")
    assert {event.worker for event in study.events if isinstance(event, TrialStarted)} < set(range(5))
    pids = {study.starts(number)[0]["pid"] for number in range(8)}
    assert len(pids) == 2
    assert study.starts(0)[0]["threads"] == "1"


@pytest.mark.usefixtures("second_node")
def test_killed_workers_are_replaced_and_their_trials_continue(cluster: Any, tmp_path: Path) -> None:
    study = RayStudy(tmp_path / "ray", cluster, workers=2)
    kills = [once(TrialEvaluated, lambda: workers(cluster)[0].kill(), after) for after in (5, 14, 23)]
    assert study.train(*kills).finished
    study.assert_undisturbed(tmp_path / "alone")
    assert sum(isinstance(event, WorkerDied) for event in study.events) == 3


@pytest.mark.usefixtures("second_node")
def test_a_trial_that_is_lost_again_and_again_fails_in_the_end(cluster: Any, tmp_path: Path) -> None:
    """Later than one that crashes: its machines are more likely the cause."""
    study = RayStudy(tmp_path / "ray", cluster, workers=1)
    study.script(trials={"trial-0002": "die"})
    assert study.driver(study.ray_executor()).run([study.events.append]).finished
    assert [trial.state.name for trial in study.trials].count("FAIL") == 1
    assert study.trials[2].user_attrs["reason"].startswith("a worker was lost 11 times while this trial ran")


def test_a_node_that_never_comes_back_and_one_that_joins(cluster: Any, second_node: Any, tmp_path: Path) -> None:
    study, joined = RayStudy(tmp_path / "ray", cluster, workers=3), list[Any]()
    study.script(step_seconds=0.1)  # so that the new node's worker has started before the study ends
    leave = once(TrialEvaluated, lambda: cluster.remove_node(second_node, allow_graceful=False), 6)
    join = once(TrialEvaluated, lambda: joined.append(cluster.add_node(num_cpus=1)), 10)
    try:
        assert study.train(leave, join).finished
    finally:
        for node in joined:
            cluster.remove_node(node)
    study.assert_undisturbed(tmp_path / "alone")
    assert len({start["pid"] for number in range(8) for start in study.starts(number)}) >= 3


def test_a_node_that_is_silent_past_its_time(cluster: Any, second_node: Any, tmp_path: Path) -> None:
    """Its trial continues elsewhere; what it still says when it wakes up is not heard."""
    study, stopped = RayStudy(tmp_path / "ray", cluster, workers=2), list[psutil.Process]()

    def stop() -> None:
        stopped.extend(family(second_node))
        for process in stopped:
            process.send_signal(signal.SIGSTOP)

    def wake_up() -> None:
        for process in stopped:
            if process.is_running():
                process.send_signal(signal.SIGCONT)

    died = once(WorkerDied, wake_up)
    assert study.train(once(TrialEvaluated, stop, 6), died).finished
    study.assert_undisturbed(tmp_path / "alone")
    assert sum(isinstance(event, WorkerDied) for event in study.events) == 1
    cluster.remove_node(second_node, allow_graceful=False)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    yield from a_server()


def test_worker_node_and_database_are_killed(
    cluster: Any, second_node: Any, postgresql: Server, tmp_path: Path
) -> None:
    """All in one study, recorded in PostgreSQL."""
    study, timers = RayStudy(tmp_path / "ray", cluster, workers=2), list[threading.Timer]()

    def kill_database() -> None:
        postgresql.stop()
        timers.append(threading.Timer(2.0, postgresql.start))
        timers[-1].start()

    faults = [
        once(TrialEvaluated, lambda: workers(cluster)[0].kill(), 4),
        once(TrialEvaluated, kill_database, 8),
        once(TrialEvaluated, lambda: cluster.remove_node(second_node, allow_graceful=False), 13),
        once(TrialEnded, kill_database, 5),
    ]
    storage = open_storage(postgresql.url, tmp_path)
    driver = Driver(study.spec, storage, study.ray_executor(), study.folder, retry_limits=UNLIMITED)
    with pytest.warns(UserWarning, match="does not answer"):
        assert driver.run([study.events.append, *faults]).finished
    for timer in timers:
        timer.join()
    assert sorted(event.number for event in study.events if isinstance(event, TrialEnded)) == list(range(8))
    alone = StubStudy(tmp_path / "alone", replace(study.spec, workers=1))
    alone.run()
    trials = optuna.load_study(study_name="stub", storage=open_storage(postgresql.url, tmp_path)).get_trials()
    assert [(t.state, t.params, t.value, t.intermediate_values) for t in trials] == [
        (t.state, t.params, t.value, t.intermediate_values) for t in alone.trials
    ]


def test_machines_without_a_shared_folder(
    cluster: Any, second_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver and the workers have only a URL in common; a worker is killed, then a node with what is on it."""
    url = f"file://{tmp_path}/store"
    workers_cache = copy_of(url) / "cache"  # as in the environment of the cluster
    workers_cache.mkdir()
    (workers_cache / "script.json").write_text('{"step_seconds": 0.02}')
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of-the-driver"))
    study = RayStudy(tmp_path / "ray", cluster, workers=2)
    folder = study_folder(copy_of(url), "stub")
    request = RayRequest(cluster.address)
    executor = RayExecutor(2, folder.parent / "cache", request, code=STUB)
    driver = Driver(study.spec, open_storage(None, study.root), executor, folder, retry_limits=UNLIMITED)
    kill = once(TrialEvaluated, lambda: workers(cluster)[0].kill(), 5)
    leave = once(TrialEvaluated, lambda: cluster.remove_node(second_node, allow_graceful=False), 14)
    assert driver.run([study.events.append, kill, leave]).finished
    study.assert_undisturbed(tmp_path / "alone")
    starts = [(folder / f"trial-{number:04d}" / "starts.jsonl").read_text().splitlines() for number in range(8)]
    assert sum(json.loads(line)["examples"] > 0 for lines in starts for line in lines) >= 1
    models = {path.parent.parent.name for path in folder.glob("trial-*/best/model.safetensors")}
    alone = {path.parent.parent.name for path in (tmp_path / "alone").glob("*/trial-*/best/model.safetensors")}
    assert models == alone
    assert not list((tmp_path / "ray").glob("stub/trial-*"))


def test_a_run_that_raises_is_retried_in_a_new_process(cluster: Any, tmp_path: Path) -> None:
    study = RayStudy(tmp_path / "ray", cluster, workers=1)
    study.script(faults={"trial-0001": [["raise", 24]]})
    assert study.train().finished
    assert [event.number for event in study.events if isinstance(event, TrialRetried)] == [1]
    assert not any(isinstance(event, WorkerDied) for event in study.events)
    study.assert_undisturbed(tmp_path / "alone")


def test_a_gpu_that_fails_is_used_no_longer(cluster: Any, tmp_path: Path) -> None:
    """The trial continues on another one, and the actor of the failed one keeps it until the search ends."""
    node = cluster.add_node(num_cpus=2, num_gpus=2)
    study = RayStudy(tmp_path / "ray", cluster, workers=2)
    study.script(step_seconds=0.02, broken={"1": 24})
    executor = RayExecutor(2, tmp_path / "ray" / "cache", RayRequest(cluster.address, gpus=1.0), code=STUB)
    try:
        executor.start()
        while executor.idle < 2:  # else the one that fails may be the only one so far
            executor.events(1.0)
        assert study.driver(executor).run([study.events.append]).finished
    finally:
        cluster.remove_node(node)
    (lost,) = [event for event in study.events if isinstance(event, DeviceLost)]
    assert (lost.device, lost.workers) in {("the GPU of worker 0", 1), ("the GPU of worker 1", 1)}
    assert lost.reason.startswith("CUDA error: uncorrectable ECC error")
    study.assert_undisturbed(tmp_path / "alone")
    devices = [[start["device"] for start in study.starts(number)] for number in range(8)]
    assert sum(used == ["1", "0"] for used in devices) == 1
    assert sum(used == ["0"] for used in devices) == 7


def test_without_a_gpu_none_is_seen(cluster: Any, tmp_path: Path) -> None:
    study = RayStudy(tmp_path / "ray", cluster, workers=1)
    assert study.train().finished
    assert study.starts(0)[0]["device"] == ""


def test_an_interrupted_study_continues(cluster: Any, tmp_path: Path) -> None:
    study = RayStudy(tmp_path / "ray", cluster, workers=1)
    interrupt = once(TrialAdvanced, lambda: os.kill(os.getpid(), signal.SIGTERM), 3)
    assert not study.train(interrupt).finished
    left = [trial.state.name for trial in study.trials]
    assert left.count("RUNNING") == 1
    assert study.train().finished
    study.assert_undisturbed(tmp_path / "alone")


def test_workers_that_cannot_start_end_the_study(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "RESTART_SECONDS", 0.1)
    study = RayStudy(tmp_path, cluster, workers=1)
    executor = study.ray_executor(TrainingCode(train="no_such_module:train"))
    executor.start()
    try:
        with pytest.raises(ExecutorError, match=r"3 workers in a row failed.*no_such_module"):
            while True:
                executor.events(20)
    finally:
        executor.stop()


def test_workers_that_are_lost_while_they_start_end_the_study_later(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "LOST_STARTS", 2)
    executor = RayStudy(tmp_path, cluster, workers=1).ray_executor(TrainingCode(train="os:_exit", measure="os:abort"))
    monkeypatch.setattr(executor, "_has_started", lambda: None)  # as if each died just before
    executor.start()
    try:
        with pytest.raises(ExecutorError, match="2 workers in a row failed while starting"):
            while True:
                for slot in executor._slots:
                    slot.ready = False
                    if slot.connection is not None:
                        executor._kill(slot)
                executor.events(20)
    finally:
        executor.stop()


def test_a_folder_that_is_not_shared(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be there all the same, as another one on another disk: the file that the driver wrote is looked for."""
    monkeypatch.setattr(ray_cluster, "RESTART_SECONDS", 0.1)
    executor = RayStudy(tmp_path, cluster, workers=1).ray_executor()
    executor._mark = tmp_path / "cache" / "shared"
    executor.start()
    executor._mark.unlink()
    try:
        with pytest.raises(ExecutorError, match=r"does not see '.*/cache/shared' of the driver's machine: all mach"):
            while True:
                executor.events(20)
    finally:
        executor.stop()


def test_it_says_that_it_waits_for_room(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "NOTICE_SECONDS", 0.2)
    executor = RayExecutor(1, tmp_path, RayRequest(cluster.address, gpus=2.0, memory_gib=1.5), code=STUB)
    executor.start()
    try:
        with pytest.warns(UserWarning, match=r"no room for a worker, which needs 1 CPU\(s\), 2 GPU\(s\), 1\.5 GiB"):
            silence = [executor.events(0.3) for _ in range(3)]
        assert silence == [[], [], []]
        assert executor.idle == 0
    finally:
        executor.stop()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1 ([Errno 111] Connection refused); start one with: ray"),
        ("local", "no Ray cluster answers at local (an address is HOST:PORT); start one with: ray start --head"),
        ("somewhere", "no Ray cluster answers at somewhere (an address is HOST:PORT); start one"),
        (
            "ray://here:10001",
            "answers at ray://here:10001 (run the command on a machine of the cluster, with HOST:PORT",
        ),
    ],
)
def test_an_address_at_which_there_is_no_cluster(
    tmp_path: Path, run_command: Run, tiny_study: str, address: str, message: str
) -> None:
    (tmp_path / "tiny.toml").write_text(tiny_study)
    command = ("search.run", "--study", tmp_path / "tiny.toml", "--runs-dir", tmp_path / "runs")
    done = run_command(*command, "--executor", "ray", "--ray-address", address)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--ray-gpus", "1"), "--ray-gpus needs --executor ray"),
        (("--executor", "ray", "--gpus", "all"), "gpus are those of one machine"),
        (("--executor", "ray", "--ray-gpus", "1.5"), "--ray-gpus 1.5: give a whole number, or a share of one GPU"),
    ],
)
def test_options_that_do_not_go_together(
    tmp_path: Path, run_command: Run, tiny_study: str, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "tiny.toml").write_text(tiny_study.replace('device = "cpu"', 'device = "auto"'))
    done = run_command("search.run", "--study", tmp_path / "tiny.toml", "--runs-dir", tmp_path / "runs", *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_killed_command_is_resumed_and_trains_as_on_one_machine(
    cluster: Any, tmp_path: Path, run_command: Run, tiny_study: str
) -> None:
    """With real training, bit for bit; standard output is JSON only, although Ray has something to say."""
    study = tiny_study.replace("trials = 4", 'trials = 2\nsampler = "random"').replace(
        "examples = 1600", "examples = 4000"
    )
    (tmp_path / "tiny.toml").write_text(study)
    command = ("search.run", "--study", "tiny.toml", "--json")  # relative paths, as users write them
    on_ray = ("--executor", "ray", "--ray-address", cluster.address, "--workers", "2", "--runs-dir", "ray")
    words = [sys.executable, "-m", *command, *on_ray]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver:
        assert driver.stdout is not None
        for line in driver.stdout:
            if json.loads(line)["event"] == "TrialEvaluated":
                driver.kill()
    done = run_command(*command, *on_ray, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["resumed"] == [0]
    assert run_command(*command, "--runs-dir", "alone", cwd=tmp_path).returncode == 0
    found = [
        [
            (trial.state.name, trial.params, trial.value, trial.intermediate_values)
            for trial in optuna.load_study(study_name="tiny", storage=open_storage(None, tmp_path / runs)).get_trials()
        ]
        for runs in ("ray", "alone")
    ]
    assert found[0] == found[1]


def test_ray_is_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install .*\[ray\]"):
        RayExecutor(1, tmp_path, RayRequest()).start()
