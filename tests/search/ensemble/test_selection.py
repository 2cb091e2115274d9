"""Greedy selection among trials: from which, by what, and what is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.ensembles import OverallObjective, select, select_in_bags
from search.ensemble.members import Member
from search.ensemble.selection import GreedyOptions, select_members

TASKS = ("sst", "para", "sts")
WEIGHTS = {"sst": 3.0, "para": 1.0, "sts": 1.0}


@pytest.fixture
def members(trials: Any) -> list[Member]:
    """Return nine trials that are right about as often as not, each in its own way: together they are better."""
    tree = trials.config(0).model_dump()
    for task, weight in WEIGHTS.items():
        tree["tasks"][task]["score_weight"] = weight
    config = type(trials.config(0)).model_validate(tree)
    rng, found = np.random.default_rng(0), []
    for number in range(3, 12):
        predictions = {"sts": trials.gold("sts") + rng.normal(scale=4.0, size=60)}
        for task, classes in (("sst", 5), ("para", 2)):
            logits = 0.5 * np.eye(classes)[trials.gold(task)] + rng.normal(size=(60, classes))
            predictions[task] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        found.append(Member(number, {}, trials.folder(0), config, trials.record(0).result, predictions))
    return found


def expected(
    trials: Any, members: list[Member], options: GreedyOptions, tasks: tuple[str, ...] = TASKS
) -> dict[int, float]:
    """Select with core's function."""
    objective = OverallObjective(
        [member.predictions for member in members],
        {task: trials.gold(task) for task in tasks},
        {task: members[0].config.tasks[task].spec for task in tasks},
        {task: WEIGHTS[task] for task in tasks},
    )
    if options.bags:
        rng = np.random.default_rng(options.seed)
        shares = select_in_bags(objective, options.steps, options.start, bags=options.bags, rng=rng)
    else:
        shares = select(objective, options.steps, options.start)
    return {member.number: share for member, share in zip(members, shares, strict=True) if share > 0}


def test_the_options_are_those_of_the_selection(trials: Any, members: list[Member]) -> None:
    dev = {task: trials.resources.scored_dev(trials.config(0), task) for task in TASKS}
    seen = []
    for options in (
        GreedyOptions(steps=8),
        GreedyOptions(steps=3),
        GreedyOptions(steps=8, start=4),
        GreedyOptions(steps=8, bags=2),
        GreedyOptions(steps=8, bags=2, seed=5),
        GreedyOptions(steps=8, bags=3, seed=5),
        GreedyOptions(steps=8, start=4, bags=3, seed=5),
    ):
        shares = select_members(members, dev, options)
        wanted = expected(trials, members, options)
        assert list(shares) == list(TASKS)
        assert all(of_task == pytest.approx(wanted) for of_task in shares.values())
        seen.append(wanted)
    assert all(one != other for place, one in enumerate(seen) for other in seen[:place])  # every option matters


def test_every_task_apart(trials: Any, members: list[Member]) -> None:
    dev = {task: trials.resources.scored_dev(trials.config(0), task) for task in TASKS}
    options = GreedyOptions(steps=8, start=2, each_task=True)
    shares = select_members(members, dev, options)
    for task in TASKS:
        assert shares[task] == pytest.approx(expected(trials, members, options, (task,)))
    assert shares["sst"] != shares["para"] != shares["sts"]


def test_candidates_with_and_without_models(make: Any, trials: Any) -> None:
    made = make(greedy=6, start=2, dev_only=True)
    assert (made.record["candidates"], made.record["scored_trials"], made.record["by_hand"]) == (4, 4, False)
    assert "selected from 4 of 4 scored trials on these dev examples" in made.printed
    made = make(greedy=6, start=2)
    assert {m["trial"] for m in made.record["members"]} <= set(trials.with_model)
    assert "from 3 of 4 scored trials" in made.printed
    assert made.record["gain"] >= 0
    assert made.record["dev"]["overall"] >= max(map(trials.overall, trials.with_model))
    made = make(greedy=6, trials="2,0", dev_only=True)
    assert {m["trial"] for m in made.record["members"]} <= {0, 2}
    assert "from 2 of 4 scored trials" in made.printed


def test_every_task_by_the_command(make: Any, trials: Any) -> None:
    """Of one step: every task has the trial that is best at it; ties go to the earliest."""
    made = make(greedy=1, each_task=True, dev_only=True)
    for task in TASKS:
        scores = {number: trials.record(number).result.scores[task] for number in range(4)}
        best = max(scores, key=lambda number: (scores[number], -number))
        assert made.shares[task].get(best) == 1
        assert made.record["dev"][task] == pytest.approx(scores[best], abs=1e-12)
