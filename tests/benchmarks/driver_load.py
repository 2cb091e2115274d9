"""Measure how many workers one driver can hold: simulated ones, which train nothing and load no torch.

    python -m tests.benchmarks.driver_load [--workers 1 8 64 512] [--storage URL]

Every worker has its next report ready as soon as the driver has answered the one before, so the driver is saturated:
reports a second are what it can take at most. A trial has five rungs, TPE proposes, hyperband prunes. From the
processor's seconds per report (with the share of proposing and ending trials) follows the share of a core that the
driver takes when each worker passes a rung every ten seconds. The database's own processor time is not in it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna

from core.run.cost import Cost
from core.run.evaluation import Evaluation
from search.driver.driver import Driver
from search.executors.messages import Ended, Evaluated, Message, TrialJob
from search.storage.open import open_storage
from tests.benchmarks.recorded_study import spec

RUNG_SECONDS = 10.0


class Crowd:
    """An executor of many workers that take no time; they report in turn, one message at a time."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.reports = 0
        self._free = list(range(workers))
        self._running: dict[int, tuple[TrialJob, int, int]] = {}  # number -> job, worker, passed rungs
        self._turns: deque[int] = deque()
        self._stopped: set[int] = set()  # pruned

    def device(self, worker: int) -> str:  # noqa: ARG002
        return ""

    @property
    def idle(self) -> int:
        return len(self._free)

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def wake(self) -> None: ...
    def interrupt(self) -> None: ...

    def submit(self, job: TrialJob) -> int:
        worker = self._free.pop()
        self._running[job.number] = (job, worker, 0)
        self._turns.append(job.number)
        return worker

    def decide(self, number: int, go_on: bool) -> None:
        if not go_on:
            self._stopped.add(number)

    def events(self, timeout: float | None) -> Sequence[Message]:  # noqa: ARG002
        number = self._turns.popleft()
        job, worker, passed = self._running[number]
        rungs = job.config.rungs
        if number in self._stopped or passed == len(rungs):
            del self._running[number]
            self._free.append(worker)
            return [Ended(number, "pruned" if number in self._stopped else "finished")]
        self._running[number] = (job, worker, passed + 1)
        self._turns.append(number)
        self.reports += 1
        rung = rungs[passed]
        overall = 0.5 + 0.3 * rung / rungs[-1] + (number * 7919 % 1000) / 10_000
        cost = Cost(110_000_000, 110_000_000, 2 * rung, 2000.0)
        scores = dict.fromkeys(job.config.tasks, overall)
        return [Evaluated(number, Evaluation(rung, rung, 0, overall, scores, {}, {}, rung / 100, 100.0, cost=cost))]


def measure(workers: int, trials: int, url: str | None) -> str:
    """Run a study on so many workers, and return a row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder, crowd = Path(name), Crowd(workers)
        study = replace(spec(trials), name=f"load-{workers}-{time.time_ns()}", workers=workers)
        begun, before = time.perf_counter(), time.process_time()
        Driver(study, open_storage(url, folder), crowd, folder / study.name).run()
        wall, processor = time.perf_counter() - begun, time.process_time() - before
    share = workers / RUNG_SECONDS * processor / crowd.reports
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {workers} | {trials:,} | {crowd.reports / wall:.0f} | {trials / wall * 3600:,.0f} "
        f"| {1000 * processor / crowd.reports:.1f} | {share:.2f} | {peak:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64, 512])
    parser.add_argument("--trials", type=int, default=300, help="of each study; at least two for each worker")
    parser.add_argument("--storage", help="URL of a database; by default an SQLite file")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print("| workers | trials | reports/s | trials/h | processor ms a report | cores at a rung in 10 s | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for workers in options.workers:
        print(measure(workers, max(options.trials, 2 * workers), options.storage), flush=True)


if __name__ == "__main__":
    main()
