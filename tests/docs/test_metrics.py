"""``docs/metrics.md`` names the metrics and costs that are recorded, and no other."""

from __future__ import annotations

import re
from dataclasses import fields

import numpy as np

from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.statistics import task_metrics
from data.task_files import builtin_tasks
from tests.docs.pages import text


def test_metrics_that_are_named_are_those_there_are() -> None:
    specs = builtin_tasks()
    rng = np.random.default_rng(0)
    found: set[str] = {"train_dev_gap"}
    for task, classes in (("sst", 5), ("para", 2)):
        probabilities = rng.dirichlet(np.ones(classes), size=30)
        found |= {key.split("/")[0] for key in task_metrics(specs[task], probabilities, np.arange(30) % classes)}
    found |= set(task_metrics(specs["sts"], rng.uniform(0, 5, 30), rng.uniform(0, 5, 30)))
    page = re.findall(r"`([a-z_0-9]+)(?:/CLASS)?`", text("metrics.md"))
    costs = {field.name for field in fields(Cost)} | {field.name for field in fields(Evaluation)}
    assert found - set(page) == set()
    assert set(page) - found - costs == set()
