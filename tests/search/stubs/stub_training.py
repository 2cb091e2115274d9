"""A training function with the trainer's interface but without torch, which spawned workers can import.

``script.json`` in the cache folder says what goes wrong: {"step_seconds": 0.001, "trials": {"trial-0001": "raise"}},
or {"faults": {"trial-0001": [["die", 24]]}}: at its first start only, the trial dies after 24 examples; or
{"chaos": [0.01, 7]}: every step fails with this probability, drawn with this seed; or {"warn": "a warning"}; or
{"broken": {"GPU-b": 24}}: a run on this device fails after 24 examples.
A checkpoint contains a running hash over all steps: scores show whether a resumed run equals an undisturbed one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import random
import signal
import time
import warnings
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import RunConfig
from core.run.atomic_files import write_atomically
from core.run.cost import Cost
from core.run.errors import DivergedError
from core.run.evaluation import Evaluation
from core.run.precision_choice import PrecisionChoice
from core.run.run_folder import RunFolder
from core.run.speed import Speed
from data.errors import UnavailableError, UserError

if TYPE_CHECKING:
    from core.run_observer import RunObserver  # would load torch


class RunOutcome(StrEnum):
    FINISHED = "finished"
    PRUNED = "pruned"
    INTERRUPTED = "interrupted"


class Resources:
    def __init__(self, cache_dir: Path) -> None:
        self.cache_dir = cache_dir
        self.runs = 0  # of this process

    def encoder(self, config: RunConfig) -> None:
        """Refuse heads with more layers than the script allows."""
        match self.script.get("encoder"):
            case "raise":
                raise ZeroDivisionError("no reason")
            case "die once" if not (self.cache_dir / "died").exists():
                (self.cache_dir / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            case int(most) if config.heads["sst"].layers > most:
                raise UserError(f"heads.sst.layers = {config.heads['sst'].layers}, but encoder 'x' has {most} layers")

    @property
    def script(self) -> dict[str, object]:
        file = self.cache_dir / "script.json"
        return json.loads(file.read_text()) if file.exists() else {}


@dataclass
class State:
    examples: int
    digest: str
    evaluations: list[Evaluation]

    @classmethod
    def load(cls, folder: Path, config: RunConfig) -> State:
        file = folder / "checkpoint.pt"
        if not file.exists():
            return cls(0, config.digest, [])
        raw = json.loads(file.read_text())
        return cls(raw["examples"], raw["digest"], [Evaluation.from_dict(e) for e in raw["evaluations"]])

    def save(self, folder: Path, padding: int = 0) -> None:
        write_atomically(folder / "checkpoint.pt", json.dumps(asdict(self)).encode() + b" " * padding)


def overall(config: RunConfig, rung: int, digest: str) -> float:
    """Return a score that is best at a learning rate of 1e-4 and rises with the rung, with noise from the hash."""
    quality = 1 - abs(math.log10(config.optim.learning_rate) + 4) / 4
    return 0.9 * quality * (1 - math.exp(-3 * rung / config.budget.examples)) + int(digest[:4], 16) / 2**16 / 50


class Trouble:
    """Make one start of a trial fail, as the script plans or at random.

    Args:
        script: of the study.
        trial: name of its folder.
        start: how often it was started before.
    """

    def __init__(self, script: dict[str, Any], trial: str, start: int) -> None:
        planned = dict(enumerate(script.get("faults", {}).get(trial, [])))
        self._fault, self._after = planned.get(start, ("", 0))
        self._probability, seed = script.get("chaos", (0.0, 0))
        self._random = random.Random(f"{seed} {trial} {start}")

    def strike(self, examples: int) -> None:
        """Fail, or return."""
        if self._random.random() < self._probability:
            strike(self._random.choice(["die", "exit", "memory", "raise"]))
        if self._fault and examples >= self._after:
            strike(self._fault)


def strike(fault: str) -> None:
    match fault:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(137)
        case "memory":
            raise MemoryError
        case "raise":
            raise RuntimeError("CUDA error:\nunspecified launch failure")
        case "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case "away":
            raise UnavailableError("no data folder 'data'")
        case "stale":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), "data/train.csv")


def train(config: RunConfig, folder: Path, resources: Resources, observer: RunObserver) -> RunOutcome:
    script = resources.script
    fate = script.get("trials", {}).get(folder.name, "")
    resources.runs += 1
    if fate == "load":
        time.sleep(60.0)
    state, run = State.load(folder, config), RunFolder(folder)
    if state.evaluations:
        run.write_metrics(state.evaluations)  # a kill may have come between the checkpoint and these
    with (folder / "starts.jsonl").open("a+") as file:
        file.seek(0)
        trouble = Trouble(script, folder.name, len(file.readlines()))
        start = {"pid": os.getpid(), "examples": state.examples, "run_of_process": resources.runs}
        variables = {"threads": os.environ["OMP_NUM_THREADS"], "tunables": os.environ.get("GLIBC_TUNABLES")}
        variables["device"] = os.environ.get("CUDA_VISIBLE_DEVICES")
        file.write(json.dumps(start | variables) + "\n")
    if fate == "refuse":
        raise UserError("file data/train.csv does not exist")
    if fate == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    for evaluation in state.evaluations:
        if not observer.evaluated(evaluation):
            return RunOutcome.PRUNED
    if text := script.get("warn"):
        warnings.warn(text, stacklevel=1)
    while len(state.evaluations) < len(config.rungs):
        time.sleep(script.get("step_seconds", 0.0))
        trouble.strike(state.examples)
        if state.examples >= script.get("broken", {}).get(os.environ.get("CUDA_VISIBLE_DEVICES"), math.inf):
            raise RuntimeError(
                "CUDA error: uncorrectable ECC error encountered\nCUDA kernel errors might be reported late"
            )
        state.examples += config.budget.batch_size
        state.digest = hashlib.sha256(state.digest.encode()).hexdigest()
        rung = config.rungs[len(state.evaluations)]
        if fate == "die once" and state.examples > config.rungs[1] and not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if fate == "raise":
            raise ZeroDivisionError("no\nreason")
        if fate == "diverge" and state.examples > config.rungs[0]:
            raise DivergedError("loss of sst is nan at step 12")
        if state.examples >= rung:
            score = math.nan if fate == "nan" and rung > config.rungs[0] else overall(config, rung, state.digest)
            seconds, cost = state.examples / 100, Cost(1000, 100, 2 * state.examples, 50.0)
            state.evaluations.append(
                Evaluation(rung, state.examples, 0, score, {"sst": score}, {}, {}, seconds, 100.0, cost=cost)
            )
            state.save(folder, script.get("padding", 0))
            run.best_model.parent.mkdir(parents=True, exist_ok=True)
            run.best_model.write_text(str(rung))
            run.write_metrics(state.evaluations)
            if not observer.evaluated(state.evaluations[-1]):
                return RunOutcome.PRUNED
        elif not observer.stepped(state.examples):
            state.save(folder, script.get("padding", 0))
            return RunOutcome.INTERRUPTED
    return RunOutcome.FINISHED


def choose_precision(config: RunConfig, resources: Resources) -> PrecisionChoice:
    """Choose what the script says, and refuse bfloat16 if it says so."""
    if config.compute.precision == "bfloat16" and resources.script.get("bfloat16") == "refuse":
        raise UserError("device 'cpu' does not support bfloat16 here")
    return PrecisionChoice(resources.script.get("precision", "float32"), "as the script says")


def measure_speed(config: RunConfig, resources: Resources) -> Speed:
    match resources.script.get("measure"):
        case "refuse":
            raise UserError("file data/train.csv does not exist")
        case "raise":
            raise ZeroDivisionError("no reason")
        case "die":
            os._exit(7)
        case "broken" if os.environ.get("CUDA_VISIBLE_DEVICES") == "GPU-a":
            raise RuntimeError("CUDA error: uncorrectable ECC error encountered")
    return Speed(float(config.budget.examples), 2.0, 3)
