"""Measure where the memory of a worker goes, and what a study takes with one and two workers. Linux only.

Every phase of a worker is printed with its resident memory (RSS), how much of it is private, and the peak since the
phase before. Of a study, the largest sum over its processes: RSS counts shared pages once for each process, PSS once.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIB = 1024  # kB
STUDY = """
tasks = ["sst", "para", "sts"]
trials = {workers}
workers = {workers}
sampler = "random"
pruner = "none"

[base.model]
encoder = "{encoder}"
max_length = {max_length}

[base.budget]
examples = {examples}
batch_size = {batch_size}

[base.eval]
rungs = 2

[space]
"optim.learning_rate" = {{ low = 1e-5, high = 5e-4, log = true }}
"""


def memory(process: int | str = "self") -> dict[str, float]:
    """Return the memory of a process, MiB: now (RSS, PSS, private) and the peak of its RSS."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
    found = {name: int(kilobytes) / MIB for name, kilobytes in re.findall(r"^(\w+): +(\d+) kB$", rollup, re.MULTILINE)}
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return {
        "rss": found["Rss"],
        "pss": found["Pss"],
        "private": found["Private_Clean"] + found["Private_Dirty"],
        "peak": int(peak[1]) / MIB if peak else float("nan"),
    }


class Phases:
    """Print a line for each phase of a worker."""

    def __init__(self) -> None:
        self.highest = 0.0
        print(f"{'phase':44}{'RSS':>8}{'private':>9}{'peak':>8}   MiB")

    def __call__(self, name: str) -> None:
        now = memory()
        self.highest = max(self.highest, now["peak"])
        print(f"{name:44}{now['rss']:8.0f}{now['private']:9.0f}{now['peak']:8.0f}", flush=True)
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the next peak counts from here


def worker(config: dict[str, Any], folder: Path, steps: int) -> None:
    """Do what a worker does in a trial, phase by phase."""
    phase = Phases()
    phase("Python")
    import torch

    phase("import torch")
    from core.config import RunConfig
    from core.inputs.resources import Resources
    from core.run.run_folder import RunFolder
    from core.trainer import TrainingRun

    phase("import core")
    run_config = RunConfig.model_validate(config)
    torch.set_num_threads(run_config.compute.threads)
    resources = Resources(folder / "cache")
    resources.encoder(run_config)
    phase("load encoder and tokenizer")
    resources.task_data(run_config)
    phase("load token arrays")
    run = TrainingRun(run_config, RunFolder(folder / f"run-{os.getpid()}"), resources)
    run.resume()
    phase("build the run")
    run.step()
    phase("first step")
    for _ in range(steps):
        run.step()
    gc.collect()
    phase(f"{steps} steps")
    run.save()
    phase("write a checkpoint")
    run.evaluate()
    phase("score dev, write the best model, checkpoint")
    for _ in range(steps):
        run.step()
    phase(f"{steps} steps")
    del run
    gc.collect()
    run = TrainingRun(run_config, RunFolder(folder / f"run-{os.getpid()}"), resources)
    run.resume()
    phase("read the checkpoint in a second run")
    run.step()
    phase("a step of it")
    print(f"highest peak {phase.highest:.0f} MiB\n")


def alone(target: Callable[..., None], *arguments: Any) -> None:
    """Run a function in a fresh process."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    process.join()


def tree(root: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text(encoding="utf-8").split()
    return [root, *(process for child in children for process in tree(int(child)))]


def study(file: Path, data: Path, out: Path) -> dict[str, float]:
    """Run a study; return the largest sums of RSS and PSS over its processes, and the largest private memory of one."""
    options = {"--study": file, "--data": data, "--runs-dir": out, "--threads": 1}
    command = [sys.executable, "-m", "search.run", *(str(word) for option in options.items() for word in option)]
    from search.executors.pipes import MEMORY_VARIABLES

    untuned = {name: value for name, value in os.environ.items() if name not in MEMORY_VARIABLES}  # workers are tuned
    with subprocess.Popen(command, env=untuned, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        highest = dict.fromkeys(("RSS", "PSS", "private of one", "driver"), 0.0)
        while process.poll() is None:
            try:
                found = [memory(one) for one in tree(process.pid)]
            except (FileNotFoundError, ProcessLookupError, KeyError):  # one has just ended
                continue
            for name, value in {
                "RSS": sum(one["rss"] for one in found),
                "PSS": sum(one["pss"] for one in found),
                "private of one": max(one["private"] for one in found),
                "driver": found[0]["private"],
            }.items():
                highest[name] = max(highest[name], value)
            time.sleep(0.1)
        if process.returncode:
            assert process.stderr is not None
            sys.exit(process.stderr.read().decode())
    return highest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="data folder; default: generated, of the course's size")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--gradient-checkpointing", action="store_true", help="of the worker")
    parser.add_argument("--no-study", action="store_true", help="measure only the worker")
    arguments = parser.parse_args()
    from tests.benchmarks.performance.apart import restart_like_a_worker

    restart_like_a_worker()
    from data.synthetic.corpus import write_corpus
    from data.task_files import builtin_tasks

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = arguments.data
        if data is None:
            data = folder / "data"
            write_corpus(data, train={"sst": 8544, "para": 27656, "sts": 6040}, dev=1000, test=1000)
        specs = builtin_tasks()
        config = {
            "tasks": {task: {"spec": specs[task].model_dump()} for task in ("sst", "para", "sts")},
            "model": {"encoder": arguments.encoder, "max_length": arguments.max_length},
            "data": {"directory": str(data)},
            "budget": {"batch_size": arguments.batch_size, "examples": 10**6},
            "compute": {"gradient_checkpointing": arguments.gradient_checkpointing},
        }
        print("A worker that tokenises the data:")
        alone(worker, config, folder, arguments.steps)
        print("A worker that finds them in the cache:")
        alone(worker, config, folder, arguments.steps)
        for workers in () if arguments.no_study else (1, 2):
            file = folder / f"study-{workers}.toml"
            file.write_text(
                STUDY.format(
                    workers=workers,
                    encoder=arguments.encoder,
                    max_length=arguments.max_length,
                    examples=arguments.batch_size * arguments.steps * 2,
                    batch_size=arguments.batch_size,
                ),
                encoding="utf-8",
            )
            found = study(file, data, folder / f"out-{workers}")
            print(f"study with {workers} worker(s): " + ", ".join(f"{k} {v:.0f}" for k, v in found.items()) + " MiB")


if __name__ == "__main__":
    main()
