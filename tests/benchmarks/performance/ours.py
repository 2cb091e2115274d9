"""Time the steps of our training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.batching import Batch
from data.example_stream import ExampleStream
from data.rows import row_lengths
from tests.benchmarks.performance.setting import Setting
from tests.benchmarks.performance.timed import Timed

__all__ = ["WARM_UP", "Ours", "batches_like_ours"]

WARM_UP = 2  # steps


class Ours:
    """A training run on one task.

    Args:
        setting: where it runs.
        task: its task.
        batch_size: examples per batch.
        folder: for the run's folder and caches.
        sections: of the RunConfig.
    """

    def __init__(self, setting: Setting, task: str, batch_size: int, folder: Path, **sections: dict[str, Any]) -> None:
        budget = {"examples": 1_000_000, "batch_size": batch_size}
        values = setting.config(task, budget=budget, **sections)
        self._setting, self._task = setting, task
        self._folder, self._resources = folder, Resources(folder / "cache")
        self.run = TrainingRun(RunConfig.model_validate(values), RunFolder(folder / "run"), self._resources)
        self._seen: list[Batch] = []
        data = self.run.tasks[task]
        next_batch = data.next_batch

        def counted(size: int) -> Batch:
            batch = next_batch(size)
            self._seen.append(batch)
            return batch

        data.next_batch = counted

    def measure(self, steps: int, seed: int) -> Timed:
        """Time that many steps on the batches of an epoch drawn from the seed."""
        data = self.run.tasks[self._task]
        data._stream = _stream(self.run, self._task, seed)
        for _ in range(WARM_UP):
            self.run.step()
        self._seen.clear()
        seconds = self._setting.seconds(lambda: [self.run.step() for _ in range(steps)])
        return Timed(sum(len(batch.input_ids) for batch in self._seen), seconds)


def _stream(run: TrainingRun, task: str, seed: int) -> ExampleStream:
    data = run.tasks[task]
    return ExampleStream(row_lengths(data.train, data.layout, data.siamese), seed, task)


def batches_like_ours(ours: Ours, batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """Return the positions of the training examples of the batches that :meth:`Ours.measure` trains on."""
    (task,) = ours.run.tasks
    stream = _stream(ours.run, task, seed)
    return [stream.next(batch_size).tolist() for _ in range(WARM_UP + steps)]
