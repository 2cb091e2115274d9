"""``docs/metrics.md`` names the metrics and costs that are recorded, and no other."""

from __future__ import annotations

import re
from dataclasses import fields

import numpy as np

from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.statistics import Expectation, task_metrics
from data.kinds import Kind
from data.metrics import all_metrics, find_metric
from data.task_files import builtin_tasks
from search.analysis.expected_text import expectation_sentence
from tests.docs.pages import text

_ERROR = "1 - x / width, at least 0"


def test_metrics_that_are_named_are_those_there_are() -> None:
    specs = builtin_tasks()
    rng = np.random.default_rng(0)
    found: set[str] = {"train_dev_gap"}
    for task, classes in (("sst", 5), ("para", 2)):
        probabilities = rng.dirichlet(np.ones(classes), size=30)
        found |= {key.split("/")[0] for key in task_metrics(specs[task], probabilities, np.arange(30) % classes)}
    found |= set(task_metrics(specs["sts"], rng.uniform(0, 5, 30), rng.uniform(0, 5, 30)))
    found |= {metric.name for metric in all_metrics()}
    page = re.findall(r"`([a-z_0-9]+)(?:/CLASS)?`", text("metrics.md"))
    costs = {field.name for field in fields(Cost)} | {field.name for field in fields(Evaluation)}
    aliases = {alias for metric in all_metrics() for alias in metric.aliases}
    assert found - set(page) == set()
    assert set(page) - found - costs - aliases == set()


def test_the_table_of_metrics_has_a_row_for_each_with_its_range_place_and_aliases() -> None:
    rows = [re.split(r" *\| *", line)[1:6] for line in text("metrics.md").splitlines() if line.startswith("| `")]
    described = {row[0].strip("`"): row[1:] for row in rows if len(row) == 5}
    assert sorted(described) == [metric.name for metric in all_metrics()]
    for metric in all_metrics():
        tasks, spread, place, aliases = described[metric.name]
        assert ("classes" in tasks) == (Kind.CLASSIFY in metric.kinds)
        assert ("scores" in tasks) == (Kind.SCORE in metric.kinds)
        low, high = metric.bounds
        assert spread == (f"{low:g} to {high:g}" if metric.larger_is_better else "0 and above, smaller is better")
        assert place == {0.0: "unchanged", -1.0: "(1 + x) / 2"}.get(low if metric.larger_is_better else 1.0, _ERROR)
        assert {find_metric(alias) for alias in re.findall(r"`(.*?)`", aliases)} == {metric}


def test_the_sentence_on_new_data_is_the_one_that_commands_print() -> None:
    printed = expectation_sentence(Expectation(0.7320, 0.7180, 0.7030, 0.7330), "the best of 40 trials")
    assert f"\n    {printed}\n" in text("metrics.md")
