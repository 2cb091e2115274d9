"""Measure the overhead of the driver: proposing, judging, ending and resuming, with many recorded trials.

Training takes no time here, so all time between two trials is the driver's. It is compared with Optuna's own ask,
report and tell, with Optuna's sampler, pruner and storage, and nothing else.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage, get_storage

from search.driver.driver import Driver
from search.executors.messages import Evaluated, Message, TrialJob
from search.samplers.history import bounded_history
from search.storage.open import open_storage
from tests.benchmarks.recorded_study import BASE, RANGES, InstantExecutor, recorded, spec

TRIALS = 6


@dataclass
class Clock:
    """Milliseconds by activity: wall-clock time, and processor time, which other programs disturb less."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)
    last: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        self.last = time.perf_counter(), time.process_time()

    def stop(self, what: str) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        self.wall.setdefault(what, []).append(1000 * (wall - self.last[0]))
        self.processor.setdefault(what, []).append(1000 * (processor - self.last[1]))
        self.start()

    def row(self, per_trial: int = 4) -> list[str]:
        """Return start, ask + tell, report, and a trial of ``per_trial`` reports that are stored separately."""
        cells = []
        for times in (self.wall, self.processor):
            start, turn = times["start"][0], statistics.median(times["turn"])
            report = statistics.mean(times["report"])
            cells.append(f"{start:7.0f} {turn:6.0f} {report:6.1f} {turn + per_trial * report:6.0f}")
        return cells


class TimedExecutor(InstantExecutor):
    """Measures the time that the driver takes until it calls the executor again."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(bonus=0.5)  # above all recorded trials, so that none is pruned
        self.clock = clock
        self.doing = "start"

    def submit(self, job: TrialJob) -> int:
        self.clock.stop(self.doing)
        self.doing = "begun"
        return super().submit(job)

    def events(self, timeout: float | None) -> Sequence[Message]:
        is_last_rung = len(self.passed) == len(BASE.rungs)
        self.clock.stop("last rung" if self.doing == "report" and is_last_rung else self.doing)
        messages = super().events(timeout)
        self.doing = "report" if isinstance(messages[0], Evaluated) else "turn"
        self.clock.start()
        return messages


class Commits:
    """Count transactions that wrote something."""

    def __init__(self, storage: Any) -> None:
        self.count, self.has_written = 0, False
        engine = storage._backend.engine
        sqlalchemy.event.listen(engine, "before_cursor_execute", self._execute)
        sqlalchemy.event.listen(engine, "commit", self._commit)
        sqlalchemy.event.listen(engine, "rollback", self._rollback)

    def _execute(self, *arguments: Any) -> None:
        self.has_written |= arguments[2].startswith(("INSERT", "UPDATE", "DELETE"))

    def _commit(self, _: object) -> None:
        self.count += self.has_written
        self.has_written = False

    def _rollback(self, _: object) -> None:
        self.has_written = False


def our_driver(storage: BaseStorage, folder: Path, count: int, sampler: str) -> tuple[Clock, float]:
    """Return times, and transactions per trial."""
    clock, commits = Clock(), Commits(storage)
    clock.start()
    Driver(spec(count + TRIALS, sampler), storage, TimedExecutor(clock), folder / "recorded").run()
    return clock, commits.count / TRIALS


def optuna_alone(storage: BaseStorage, sampler: str) -> tuple[Clock, float]:
    """Measure Optuna alone on the same study."""
    make = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler, "random": optuna.samplers.RandomSampler}
    clock, commits = Clock(), Commits(storage)
    clock.start()
    pruner = optuna.pruners.HyperbandPruner(min_resource=BASE.rungs[0], max_resource=BASE.rungs[-1])
    study = optuna.load_study(study_name="recorded", storage=storage, sampler=make[sampler](seed=0), pruner=pruner)
    for _ in range(TRIALS):
        trial = study.ask()
        for name, limits in RANGES.items():
            trial.suggest_float(name, limits["low"], limits["high"], log=limits.get("log", False))
        clock.stop("turn" if "start" in clock.wall else "start")
        for rung in BASE.rungs:
            trial.report(1.5, rung)
            trial.should_prune()
            clock.stop("report")
        study.tell(trial, 1.5)
    return clock, commits.count / TRIALS


def milliseconds_per_commit(folder: Path) -> float:
    """Return the milliseconds of a transaction with one row, by sqlite3 itself."""
    with sqlite3.connect(folder / "one.db") as connection:
        connection.execute("CREATE TABLE t (x)")
        times = []
        for _ in range(30):
            connection.execute("INSERT INTO t VALUES (1)")
            begun = time.perf_counter()
            connection.commit()
            times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def table(counts: Sequence[int], sampler: str, *, with_peer: bool) -> None:
    print(f"sampler {sampler}; milliseconds on the wall | of the processor; a trial has 5 rungs")
    print(f"recorded program  {'start ask+tell report trial':^29} | {'':^29} | commits/trial")
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            recorded(open_storage(None, folder), folder / "recorded", count, sampler)
            rows = []
            if with_peer:  # first: it leaves trials that the other would count
                copy = folder / "peer"
                copy.mkdir()
                (copy / "studies.db").write_bytes((folder / "studies.db").read_bytes())
                peer = get_storage(RDBStorage(f"sqlite:///{copy / 'studies.db'}"))
                rows.append(("optuna", optuna_alone(peer, sampler)))
            rows.append(("ours", our_driver(open_storage(None, folder), folder, count, sampler)))
            for program, (clock, commits) in rows:
                wall, processor = clock.row()
                print(f"{count:8,} {program:8} {wall} | {processor} | {commits:5.1f}", flush=True)
            print(f"{'':8} a transaction of one row takes {milliseconds_per_commit(folder):.1f} ms here and now")


def quality(trials: int, limit: int, seeds: int) -> None:
    """Return the best of ``trials`` proposals on a function of 15 settings, by TPE with and without a bounded history.

    The limit is lowered with the number of trials, but not below 250: TPE counts a tenth of the trials that it sees, at
    most 25, as good, and with fewer of these it would be a different search.
    """
    target = np.random.default_rng(0).uniform(0.2, 0.8, 15)
    best: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(seeds):
        for bounded in best:
            study = optuna.create_study(direction="maximize")
            for number in range(trials):
                seeded = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
                sampler = optuna.samplers.TPESampler(seed=seeded, constant_liar=False)
                study.sampler = bounded_history("tpe", sampler, seeded, limit) if bounded else sampler
                trial = study.ask()
                x = np.array([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(15)])
                study.tell(trial, -float(((x - target) ** 2).sum()))
            best[bounded].append(study.best_value)
    gain = np.array(best[True]) - np.array(best[False])
    low, high = np.quantile(np.random.default_rng(0).choice(gain, (10_000, seeds)).mean(axis=1), [0.025, 0.975])
    means = {bounded: statistics.mean(values) for bounded, values in best.items()}
    print(f"best of {trials} trials, {seeds} seeds: {means[True]:.4f} seeing {limit}, {means[False]:.4f} seeing all")
    print(f"difference {gain.mean():+.4f} (95 %: {low:+.4f} to {high:+.4f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recorded", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--sampler", choices=["tpe", "gp", "random"], default="tpe")
    parser.add_argument("--no-peer", action="store_true", help="Optuna alone is slow with many trials and GP")
    parser.add_argument("--quality", action="store_true", help="instead: what the bounded history does to the search")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if options.quality:
        quality(trials=500, limit=250, seeds=20)
    else:
        table(options.recorded, options.sampler, with_peer=not options.no_peer)


if __name__ == "__main__":
    main()
