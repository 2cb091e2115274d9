"""Driver processes that start at once: a process that has imported everything, and forks one for each line it reads.

python -c "import nursery; nursery.serve()" writes the process id of the server that forks stub workers. It reads lines
of JSON, {"study": "stub" or a study file, "root": ..., "options": {...}}, and answers each with two lines: the driver's
process id, and how it ended, as subprocess has it. Drivers write their events to ``events.jsonl`` in the root, and to
``tells.jsonl`` a line before and a line after every trial that they end.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import traceback
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psutil
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from stub_study import StubStudy, changed

from search.console.progress import JsonLines
from search.driver.driver import Driver
from search.driver.retries import RetryLimits
from search.executors.local import LocalExecutor
from search.preflight.data import with_synthetic_data
from search.storage.open import open_storage
from search.storage.rdb import DatabaseStorage
from search.study.file import load_study

ROOT = Path(__file__).resolve().parents[3]
UNLIMITED = RetryLimits(crashes=10**6, losses=10**6)  # kills from outside are not the trials' fault


def serve() -> None:
    """Fork drivers until the input ends; runs in the nursery."""
    _warm_up()
    print(forkserver._forkserver._forkserver_pid, flush=True)  # type: ignore[attr-defined]
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_drive(**job))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _warm_up() -> None:
    """Import all that a study imports on its way, by running one, and start the server that forks its workers."""
    with tempfile.TemporaryDirectory() as folder:
        study = StubStudy(Path(folder), changed(trials=5, pruner="hyperband"))
        study.driver().run()
    # Spawned workers would each import for a third of a second; these are forked by a server that has done so.
    multiprocessing.set_forkserver_preload(["search.executors.worker", "stub_training", "patient_forkserver"])
    forkserver.ensure_running()


def _drive(study: str, root: str, options: dict[str, Any]) -> int:
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _note_tells(Path(root) / "tells.jsonl")
        with (Path(root) / "events.jsonl").open("a") as events:
            driver = _stub(Path(root), options) if study == "stub" else real(Path(study), Path(root))
            return 0 if driver.run([JsonLines(events)]).finished else 130
    except BaseException:
        traceback.print_exc()
        return 1


def _stub(root: Path, options: dict[str, Any]) -> Driver:
    study = StubStudy(root, changed(**options))
    executor = study.executor()
    executor._context = multiprocessing.get_context("forkserver")  # type: ignore[assignment]
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[attr-defined]  # it runs, though not our child
    return study.driver(executor, retry_limits=UNLIMITED)


def real(file: Path, root: Path) -> Driver:
    """Return the driver of a study file with real training."""
    spec = with_synthetic_data(load_study(str(file)), root)
    executor = LocalExecutor(spec.workers, root / "cache", threads=spec.base.compute.threads)
    return Driver(spec, open_storage(None, root), executor, root / spec.name, retry_limits=UNLIMITED)


def _note_tells(file: Path) -> None:
    """Note, around every write of a trial's end, the state before it and that its transaction is in the database."""
    tell, in_transaction = RDBStorage.set_trial_state_values, DatabaseStorage.in_transaction
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    told: list[int] = []  # in the transaction that is open

    def note(**what: object) -> None:
        os.write(log, (json.dumps(what) + "\n").encode())

    def noted(self: RDBStorage, trial_id: int, state: TrialState, *values: Any, **named: Any) -> bool:
        if state.is_finished():
            note(trial=trial_id, to=state.name, before=self.get_trial(trial_id).state.name)
            told.append(trial_id)
        return tell(self, trial_id, state, *values, **named)

    def committed(self: DatabaseStorage, write: Any) -> Any:
        is_outermost = not self._backend.scoped_session().is_grouping  # type: ignore[attr-defined]
        if is_outermost:
            told.clear()
        result = in_transaction(self, write)
        if is_outermost:
            for trial_id in told:
                note(trial=trial_id, told=True)
        return result

    RDBStorage.set_trial_state_values = noted  # type: ignore[method-assign]
    DatabaseStorage.in_transaction = committed  # type: ignore[method-assign]


class Nursery:
    """In a test: begins drivers, one at a time."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import nursery; nursery.serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )
        self._server = psutil.Process(int(self._answer()))
        self._driver: psutil.Process | None = None
        self._orphans: set[psutil.Process] = set()

    def begin(self, root: Path, study: str = "stub", **options: Any) -> psutil.Process:
        """Start a driver that continues the study in this folder."""
        assert self._process.stdin is not None
        self._orphans = set(self._server.children())
        job = {"study": study, "root": str(root), "options": options}
        print(json.dumps(job), file=self._process.stdin, flush=True)
        self._driver = psutil.Process(int(self._answer()))
        return self._driver

    def workers(self) -> list[psutil.Process]:
        """Return the driver's worker processes, including those that have just been started."""
        assert self._driver is not None
        try:
            spawned = [child for child in self._driver.children() if _is_worker(child)]
        except psutil.NoSuchProcess:
            return []
        return spawned + [child for child in self._server.children() if child not in self._orphans]

    def exit_code(self) -> int:
        """Wait for the driver's end."""
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """Stop starting drivers."""
        self._process.communicate(timeout=60)


def _is_worker(child: psutil.Process) -> bool:
    """Return whether a child is a worker or multiprocessing's tracker; a dead one has no command line."""
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.NoSuchProcess:
        return False
