"""Measure the time to the first step of a worker's first and second trial, on a corpus of the course's size."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks


def first_step(config: RunConfig, folder: Path, resources: Resources) -> float:
    """Return the seconds from the configuration to the end of the first step."""
    begun = time.perf_counter()
    run = TrainingRun(config, RunFolder(folder), resources)
    run.resume()
    run.step()
    return time.perf_counter() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder / "data", train={"sst": 8544, "para": 27656, "sts": 6040}, dev=1000, test=1000)
        specs = builtin_tasks()
        config = RunConfig.model_validate(
            {
                "tasks": {task: {"spec": specs[task]} for task in ("sst", "para", "sts")},
                "model": {"encoder": "minilm"},
                "data": {"directory": str(folder / "data")},
            }
        )
        resources = Resources(folder / "cache")
        first = first_step(config, folder / "a", resources)
        second = first_step(config.model_copy(update={"seed": 1}), folder / "b", resources)
        fresh = first_step(config, folder / "c", Resources(folder / "cache"))
        print(f"first trial {first:.2f} s, second {second:.2f} s (ratio {second / first:.2f})")
        print(f"first trial of a new process with the data cached {fresh:.2f} s")


if __name__ == "__main__":
    main()
