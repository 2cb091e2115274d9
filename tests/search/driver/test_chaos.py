"""``onebert run`` under random signals from its first second on makes the study that it makes undisturbed.

A scenario of whole processes with real training: the driver, one of its workers or all of them are killed, asked to
end, or stopped for a while, during the start-up too, and the same command is run again until it says that it is done.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from core.run.evaluation import Evaluation
from search.storage.open import open_storage
from search.trials.folders import TrialFolders

FAULTS = int(os.environ.get("CHAOS_FAULTS", "12"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
ENDS = {0, 130, -signal.SIGKILL, -signal.SIGTERM}  # the last one: while Python itself starts
ORPHAN = re.compile(
    r"""Traceback \(most recent call last\):
  File "<string>", line 1, in <module>
  File "[^"]*/multiprocessing/spawn\.py", line \d+, in spawn_main
(?:  .*\n|EOFError.*\n|_pickle\.UnpicklingError.*\n)*"""
)
# The kills are not the trials' fault, however many hit the same one.
COMMAND = """
import sys
from search.driver.retries import RetryCounter
RetryCounter.count_crash = RetryCounter.count_loss = lambda self, *_: ""
from search.__main__ import main
sys.argv = ["onebert", "run", *sys.argv[1:]]
main()
"""


class Chaos:
    """Sends signals to the processes of a command at random moments.

    Args:
        rng: draws moments, victims and signals.
        faults: how many to send.
    """

    def __init__(self, rng: random.Random, faults: int) -> None:
        self._rng, self.left = rng, faults
        self.sent: Counter[str] = Counter()
        self.ends: Counter[int] = Counter()

    def run(self, arguments: list[str], folder: Path) -> None:
        """Run the command again and again until it ends by itself with exit code 0."""
        while True:
            with (folder / "stderr.txt").open("wb") as errors:
                driver = psutil.Popen(
                    [sys.executable, "-c", COMMAND, *arguments],
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                )
            try:
                self._torment(driver)
                code = driver.wait(180)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(driver.pid, signal.SIGKILL)
            self.ends[code] += 1
            said = (folder / "stderr.txt").read_text("utf-8")
            # A new worker reads what to do from the driver. If that is killed before it has written it, Python itself
            # prints how far the worker got; none of our code has run in it.
            own = ORPHAN.sub("", said) if code == -signal.SIGKILL else said
            assert "Traceback" not in own, said
            assert code in ENDS, said
            if code == 0:
                return

    def _torment(self, driver: psutil.Popen) -> None:
        while self.left > 0:
            with suppress(psutil.TimeoutExpired):
                driver.wait(self._rng.uniform(0.0, self._rng.choice([1.0, 4.0, 8.0])))
                return
            victim = self._rng.choice(["driver", "worker", "worker", "group"])
            fault = self._rng.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
            pids = self._pids(victim, driver)
            if not pids:
                continue
            self.left -= 1
            self.sent[f"{fault.name} {victim}"] += 1
            strike(pids, fault)
            if fault == signal.SIGSTOP:
                time.sleep(self._rng.uniform(0.0, 2.0))
                strike(pids, signal.SIGCONT)

    def _pids(self, victim: str, driver: psutil.Process) -> list[int]:
        if victim == "group":
            return session(driver.pid)
        found = [driver.pid] if victim == "driver" else workers(driver)
        return [self._rng.choice(found)] if found else []


def strike(pids: list[int], fault: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, fault)


def session(leader: int) -> list[int]:
    """All processes that the command has started, those of killed parents included."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                found.append(pid)
    return found


def workers(driver: psutil.Process) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in driver.children() if "spawn_main" in " ".join(child.cmdline())]
    return []


def timeless(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Without what another run of the same configuration has otherwise: times and memory."""
    return [
        replace(one, seconds=0.0, examples_per_second=0.0, cost=one.cost and replace(one.cost, peak_memory_mib=0.0))
        for one in evaluations
    ]


def recorded(runs: Path) -> Iterator[tuple[Any, ...]]:
    """All that must not depend on interruptions."""
    folders = TrialFolders(runs / "tiny")
    for trial in optuna.load_study(study_name="tiny", storage=open_storage(None, runs)).get_trials():
        curve = timeless(folders.curve(trial.number))
        yield trial.number, trial.state.name, trial.params, trial.value, trial.intermediate_values, curve


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_random_signals_change_nothing(tmp_path: Path, tiny_study: str) -> None:
    file = tmp_path / "tiny.toml"
    changes = {"trials = 4": 'trials = 8\nworkers = 2\nsampler = "random"', "examples = 1600": "examples = 8000"}
    for old, new in changes.items():
        tiny_study = tiny_study.replace(old, new)
    file.write_text(tiny_study)
    quiet, chaos = tmp_path / "quiet", Chaos(random.Random(SEED), FAULTS)
    Chaos(random.Random(0), 0).run(["--study", str(file), "--runs-dir", str(quiet)], tmp_path)
    undisturbed, models = list(recorded(quiet)), sorted(quiet.rglob("best/model.safetensors"))
    assert len(undisturbed) == 8
    rounds = 0
    while chaos.left > 0:  # a study may be through before the last fault
        loud = tmp_path / f"loud-{rounds}"
        chaos.run(["--study", str(file), "--runs-dir", str(loud)], tmp_path)
        assert list(recorded(loud)) == undisturbed
        for model in models:
            assert (loud / model.relative_to(quiet)).read_bytes() == model.read_bytes()
        rounds += 1
    print(f"\n{rounds} studies; signals {dict(chaos.sent)}; exit codes {dict(chaos.ends)}")
