"""Examples are counted as training sees them, whatever the order, batch sizes and accumulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from core.batch_orders.seen_examples import seen_examples
from core.config import RunConfig
from core.inputs.resources import Resources
from core.inputs.task_data import TaskData
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.batching import Batch

MakeConfig = Callable[..., RunConfig]
SIZES = {"sst": 100, "para": 200, "sts": 60}


def test_by_hand(small_config: MakeConfig) -> None:
    """In turn, batches of 20: the rungs are reached after 10, 20 and 30 of them."""
    config = small_config(sampler={"order": "round-robin"})
    assert config.rungs == (200, 400, 600)
    assert seen_examples(config, SIZES) == {
        200: {"sst": 80, "para": 60, "sts": 60},
        400: {"sst": 140, "para": 140, "sts": 120},
        600: {"sst": 200, "para": 200, "sts": 200},
    }


@pytest.mark.parametrize(
    "order",
    ["sequence", "round-robin", "round-robin-truncated", "proportional", "annealed", "together", "shuffled"],
)
def test_as_in_training(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    values = small_config(
        sampler={"order": order},
        optim={"learning_rate": 1e-3, "accumulate": 2},
        budget={"examples": 500, "batch_size": 20, "epochs": 3},
        eval={"rungs": [60, 90, 410], "train_examples": 0},
    ).model_dump()
    for name, (limit, batch) in {"sst": (100, 8), "para": (200, 20), "sts": (60, None)}.items():
        values["tasks"][name] |= {"train_limit": limit, "batch_size": batch}
    config = RunConfig.model_validate(values)
    seen: Counter[str] = Counter()
    take = TaskData.next_batch

    def counted(data: TaskData, size: int) -> Batch:
        batch = take(data, size)
        seen[batch.task] += len(batch)
        return batch

    monkeypatch.setattr(TaskData, "next_batch", counted)
    run, found = TrainingRun(config, RunFolder(tmp_path), resources), {}
    sizes = {name: len(data.train) for name, data in run.tasks.items()}
    assert sizes == SIZES
    for rung in config.rungs:
        while run.progress.examples < rung:
            run.step()
        found[rung] = {task: seen[task] for task in SIZES}
    assert seen_examples(config, sizes) == found
