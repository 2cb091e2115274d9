"""Workers and drivers are killed at random, hundreds of times, and it makes no difference to what a study finds."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from nursery import Nursery, real
from optuna.trial import FrozenTrial
from stub_study import StubStudy, changed
from stub_training import Resources as StubResources
from stub_training import train as stub_train

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, train
from search.driver.events import Event, TrialAdvanced, WorkerDied
from search.storage.open import open_storage

SIGKILLED = -9
RAM_DISK = Path("/dev/shm")


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a folder, on a RAM disk if there is one: kills lose nothing that was written, so fsync is only slow."""
    folder = Path(tempfile.mkdtemp(prefix="onebert-", dir=RAM_DISK if RAM_DISK.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


class Killer:
    """Kills drivers and their workers at random moments while a study runs to its end.

    It waits for evaluations, not for seconds, so that a slow machine sees as many kills as a fast one.

    Args:
        nursery: begins the drivers.
        rng: draws the moments and the victims.
        wanted: how many workers and drivers to kill.
        seconds: at most, added to every moment; as long as it takes to get from one rung to the next.
    """

    def __init__(self, nursery: Nursery, rng: random.Random, wanted: dict[str, int], seconds: float) -> None:
        self._nursery, self._rng, self._seconds = nursery, rng, seconds
        self.left = Counter(wanted)

    def run(self, root: Path, worker_kills: int, driver_kills: int, study: str = "stub", **options: Any) -> None:
        """Run the study to its end, and kill this number of workers and drivers on the way."""
        share = Counter(worker=worker_kills, driver=driver_kills) & self.left
        while True:
            driver = self._nursery.begin(root, study, **options)
            if share["driver"] and self._rng.random() < 0.2:
                self._pause(self._seconds)  # it has hardly begun
            else:
                self._torment(root, driver, share)
            share["driver"] -= self._kill(driver, "driver") if share["driver"] > 0 else 0
            code = self._nursery.exit_code()
            if code == 0:
                return
            assert code == SIGKILLED, f"a driver ended with exit code {code}: its traceback is printed above"

    def _torment(self, root: Path, driver: psutil.Process, share: Counter[str]) -> None:
        """Kill some of its workers, as many for each driver."""
        for _ in range(math.ceil(share["worker"] / max(share["driver"], 1))):
            before, wanted = evaluations(root), self._rng.choice([0, 0, 1, 2])
            while evaluations(root) - before < wanted and _lives(driver):
                time.sleep(0.005)
            self._pause(self._seconds)
            victims = self._nursery.workers()
            while not victims and _lives(driver):
                victims = self._nursery.workers()
            share["worker"] -= self._kill(self._rng.choice(victims), "worker") if victims else 0
        self._pause(self._seconds)

    def _pause(self, seconds: float) -> None:
        time.sleep(self._rng.random() * seconds)

    def _kill(self, victim: psutil.Process, who: str) -> int:
        if not _lives(victim):
            return 0
        victim.kill()
        self.left[who] -= 1
        return 1


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def evaluations(root: Path) -> int:
    """Return how many rungs all trials together have passed so far."""
    file = root / "events.jsonl"
    return file.read_bytes().count(b'"event": "TrialEvaluated"') if file.exists() else 0


def check_study(root: Path, name: str, count: int) -> list[FrozenTrial]:
    """Check that all requested trials have ended, each once, and return them."""
    trials = optuna.load_study(study_name=name, storage=open_storage(None, root)).get_trials()
    assert [trial.number for trial in trials] == list(range(count))
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}
    told: Counter[int] = Counter()
    for line in (root / "tells.jsonl").read_text().splitlines():
        tell = json.loads(line)
        told[tell["trial"]] += tell.get("told", 0)
        assert tell.get("before", "RUNNING") == "RUNNING", "a trial that had ended was to be ended again"
    # A driver killed between the write and its own note of it has recorded the end, and nothing is repeated.
    assert set(told.values()) <= {0, 1}
    assert set(told) == {trial._trial_id for trial in trials}
    ended = [event["number"] for event in events(root) if event["event"] == "TrialEnded"]
    assert len(ended) == len(set(ended))
    return trials


def events(root: Path) -> list[dict[str, Any]]:
    found = []
    for line in (root / "events.jsonl").read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # its driver was killed while it wrote this, and the next one's first event stands behind
            assert "StudyStarted" in line
    return found


def timeless(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Remove what differs between runs of the same configuration: times and memory."""
    return [
        replace(one, seconds=0.0, examples_per_second=0.0, cost=one.cost and replace(one.cost, peak_memory_mib=0.0))
        for one in evaluations
    ]


def check_curve(trial: FrozenTrial, kept: list[Evaluation], solo: list[Evaluation]) -> None:
    """Compare the records of a trial, in storage and folder, with the same RunConfig trained alone."""
    if trial.state.name == "COMPLETE":
        assert len(kept) == len(solo)
    assert kept == solo[: len(kept)]
    assert trial.intermediate_values == {evaluation.rung: evaluation.overall for evaluation in kept}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_kills(root: Path, nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many runs raise, exit or run out of memory by themselves too."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    killer = Killer(nursery, random.Random(5), {"worker": 160, "driver": 44}, seconds=0.1)
    setups: list[dict[str, Any]] = [
        {"pruner": "halving", "workers": 2, "trials": 24},
        {"pruner": "none", "workers": 3, "trials": 16},
        {"pruner": "hyperband", "workers": 2, "trials": 24},
        {"pruner": "none", "workers": 1, "trials": 16},
    ]
    retried = studies = 0
    while killer.left.total() > 0:
        options, folder = setups[studies % len(setups)], root / str(studies)
        study = StubStudy(folder, changed(**options)).script(step_seconds=0.004, chaos=[0.02, studies])
        killer.run(folder, 40, 11, **options)
        for trial in check_study(folder, "stub", options["trials"]):
            alone = folder / "solo" / f"{trial.number}"
            alone.mkdir(parents=True)
            trained = study.folder / f"trial-{trial.number:04d}"
            stub_train(config_of(trained), alone, StubResources(root / "no script"), NullRunObserver())
            check_curve(trial, curve(trained), curve(alone))
        retried += sum(event["event"] == "TrialRetried" or event.get("exit_code") == 137 for event in events(folder))
        studies += 1
    assert studies < 8
    assert retried >= 15


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_dozen_kills_of_real_training(root: Path, nursery: Nursery, tiny_study: str) -> None:
    file = root / "tiny.toml"
    file.write_text(tiny_study.replace("trials = 4", "trials = 5\nworkers = 2"))
    killer = Killer(nursery, random.Random(2), {"worker": 9, "driver": 3}, seconds=0.5)
    resources = Resources(root / "solo cache")
    studies = 0
    while killer.left.total() > 0:  # a fast machine may be through before the last kill
        folder = root / str(studies)
        folder.mkdir()
        killer.run(folder, 9, 3, study=str(file))
        for trial in check_study(folder, "tiny", 5):
            alone = folder / "solo" / f"{trial.number}"
            trained = folder / "tiny" / f"trial-{trial.number:04d}"
            assert train(config_of(trained), alone, resources, NullRunObserver()) == RunOutcome.FINISHED
            check_curve(trial, timeless(curve(trained)), timeless(curve(alone)))
        studies += 1
    assert studies < 5


@pytest.mark.slow
def test_ctrl_c_in_a_stage_of_pretraining(tmp_path: Path, tiny_study: str) -> None:
    """Both workers leave, the one that trains the stage and the one that waits for it; the stage is saved."""
    file = tmp_path / "tiny.toml"
    stage = "\n[base.pretraining.mlm]\nexamples = 100_000_000\n"  # it cannot end first
    file.write_text(tiny_study.replace("trials = 4", "trials = 2\nworkers = 2") + stage)
    seen: list[Event] = []

    def interrupt(event: Event) -> None:
        before = {e.number for e in seen if isinstance(e, TrialAdvanced)}
        seen.append(event)
        # Once: a second Ctrl-C would kill the workers.
        if isinstance(event, TrialAdvanced) and len(before) == 1 and event.number not in before:
            os.kill(os.getpid(), signal.SIGINT)

    assert not real(file, tmp_path).run([interrupt]).finished
    assert not [event for event in seen if isinstance(event, WorkerDied)]
    trials = optuna.load_study(study_name="tiny", storage=open_storage(None, tmp_path)).get_trials()
    assert [trial.state.name for trial in trials] == ["RUNNING"] * 2
    assert len(list((tmp_path / "cache" / "stages").glob("*/checkpoint.pt"))) == 1


def curve(folder: Path) -> list[Evaluation]:
    return RunFolder(folder).read_metrics()


def config_of(folder: Path) -> RunConfig:
    """Return the run as trained; in the storage its tasks are sorted by name, which would make another run."""
    return RunConfig.model_validate_json((folder / "config.json").read_text())
