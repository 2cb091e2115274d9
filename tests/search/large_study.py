"""A study of many trials without any training: states, rungs, predictions and costs, for what has to cope with them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from core.config import RunConfig
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.statistics import overall_score, own_metric
from data.reading import read_split
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks
from search.recorded.study import IDENTITY
from search.space.parsing import parse_space
from search.space.paths import get_value
from search.study.first_trials import DEFAULT
from search.trials.folders import ERROR, TrialFolders
from search.trials.record import CONFIG, REPEAT_OF, ROLE, TrialResult
from tests.search.made_study import MadeStudy
from tests.search.planted import drawn

TASKS = ("sst", "para", "sts")
SPECS = {task: builtin_tasks()[task] for task in TASKS}
DEV = 200
BASE: dict[str, Any] = {
    "tasks": {task: {"spec": spec} for task, spec in SPECS.items()},
    "budget": {"examples": 12_000, "batch_size": 16},
    "eval": {"rungs": 4},
    "lora": {"alpha": 8.0},
    "smart": {"weight": {"sst": 0.1}},
}
TABLE: dict[str, Any] = {
    "optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "lora.rank": [0, 4, 8, 16],
    "lora.alpha": {"low": 8.0, "high": 64.0, "when": {"lora.rank": {"above": 0}}},
    "optim.schedule": ["linear", "cosine", "constant"],
    "optim.warmup": {"low": 0.0, "high": 0.3, "step": 0.1},
    "smart.weight.sst": {"low": 0.01, "high": 10.0, "log": True},
    "heads.sst.dropout": {"low": 0.0, "high": 0.5},
    "loss.weights": {"simplex": True},
}
PRUNED, FAILED, REPEATED = 0.5, 0.02, 0.02  # shares of the trials
_WEIGHTS = dict.fromkeys(TASKS, 1.0)
_STAMP = datetime(2026, 1, 1)


def large_study(root: Path, trials: int = 1000, seed: int = 0) -> MadeStudy:
    """Make a study in which learning rate, alpha and shares of tasks matter; SMART and rank make a trial expensive.

    Half of the trials are pruned, some failed, some repeat an earlier one; the best rung need not be the last.
    """
    write_corpus(root / "data", train=20, dev=DEV, test=5, seed=0)
    base = RunConfig.model_validate({**BASE, "data": {"directory": str(root / "data")}})
    gold = {task: np.asarray(read_split(SPECS[task], root / "data", "dev").labels) for task in TASKS}
    study = optuna.create_study(direction="maximize", study_name="large")
    space = parse_space(TABLE, base)
    study.set_user_attr(IDENTITY, json.dumps({"space": space.to_json()}))
    folders, rng, stored = TrialFolders(root / "runs" / "large"), np.random.default_rng(seed), []
    for number in range(trials):
        chance = rng.random()
        if number > 20 and chance < REPEATED:
            stored.append(_repeat(stored, folders, int(rng.integers(number)), number))
            continue
        config = base if number == 0 else drawn(space, base, rng)
        folders.path(number).mkdir(parents=True)
        if number and chance > 1.0 - FAILED:
            stored.append(_failed(config, folders, number))
            continue
        rungs = config.rungs
        if number and chance > 1.0 - FAILED - PRUNED:
            rungs = rungs[: 1 + int(rng.integers(len(rungs) - 1))]
        evaluations = _train(config, rungs, gold, folders, number, rng)
        stored.append(_ended(config, evaluations, number, is_pruned=len(rungs) < len(config.rungs)))
    study.add_trials(stored)
    return MadeStudy(study, folders, root / "data", gold)


def _train(
    config: RunConfig,
    rungs: Sequence[int],
    gold: dict[str, np.ndarray],
    folders: TrialFolders,
    number: int,
    rng: np.random.Generator,
) -> list[Evaluation]:
    """Write predictions that improve with every rung, and return their scores."""
    run, found, skill = folders.run(number), [], _skill(config)
    run.predictions("sst", 0).parent.mkdir()
    seconds_per_example = 0.01 * (1.5 if get_value(config, "smart.weight.sst") > 1.0 else 1.0)
    for rung in rungs:
        trained = (rung / config.budget.examples) ** 0.3
        predictions = {task: _predict(task, labels, trained * skill[task], rng) for task, labels in gold.items()}
        scores = {task: own_metric(SPECS[task], values, gold[task]) for task, values in predictions.items()}
        for task, values in predictions.items():
            np.save(run.predictions(task, rung), values)
        found.append(
            Evaluation(
                rung=rung,
                examples=rung,
                step=rung // 16,
                overall=float(overall_score(scores, SPECS, _WEIGHTS)),
                scores=scores,
                metrics={task: {SPECS[task].metric.name: score} for task, score in scores.items()},
                train_loss=dict.fromkeys(TASKS, 1.0 - 0.5 * rung / config.budget.examples),
                seconds=rung * seconds_per_example,
                examples_per_second=1.0 / seconds_per_example,
                confusion={task: _confusion(predictions[task], gold[task]) for task in ("sst", "para")},
                cost=Cost(110_000_000, 110_000_000 // (1 + config.lora.rank), rung, 2_000.0 + rng.normal(0.0, 50.0)),
            )
        )
    run.metrics.write_text("".join(one.to_json() + "\n" for one in found))
    return found


def _skill(config: RunConfig) -> dict[str, float]:
    """Return the skill at every task, about 0.05 to 0.4."""
    rate = 1.0 - abs(math.log10(config.optim.learning_rate) + 4.0)  # best at 1e-4
    alpha = config.lora.alpha / 64.0 if config.lora.rank else 0.5
    total = sum(config.loss.weights.values())
    return {
        task: 0.05 + 0.15 * rate + 0.1 * alpha + 0.2 * min(config.loss.weights[task] / total, 0.5) for task in TASKS
    }


def _predict(task: str, labels: np.ndarray, skill: float, rng: np.random.Generator) -> np.ndarray:
    if task == "sts":
        return (skill * labels + rng.normal(size=len(labels))).astype(np.float32)
    classes = len(SPECS[task].classes)
    known = skill * np.eye(classes)[labels] + rng.dirichlet(np.ones(classes), len(labels))
    return (known / known.sum(axis=1, keepdims=True)).astype(np.float32)


def _confusion(predictions: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    classes = predictions.shape[1]
    counts = np.bincount(labels * classes + predictions.argmax(axis=1), minlength=classes**2)
    table: list[list[int]] = counts.reshape(classes, classes).tolist()
    return table


def _trial(number: int, state: TrialState, value: float | None, attrs: dict[str, Any], **options: Any) -> FrozenTrial:
    begun = _STAMP + timedelta(minutes=3 * number)
    trial = create_trial(state=state, value=value, user_attrs=attrs, **options)
    trial.datetime_start, trial.datetime_complete = begun, begun + timedelta(minutes=2)
    return trial


def _ended(config: RunConfig, evaluations: list[Evaluation], number: int, *, is_pruned: bool) -> FrozenTrial:
    reason = f"pruned at {evaluations[-1].rung} examples" if is_pruned else ""
    result = TrialResult.of(evaluations, reason)
    role = {ROLE: DEFAULT} if number == 0 else {}
    return _trial(
        number,
        TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
        None if is_pruned else result.overall,
        {CONFIG: config.canonical_json(), **asdict(result), **role},
        intermediate_values={one.rung: one.overall for one in evaluations},
    )


def _failed(config: RunConfig, folders: TrialFolders, number: int) -> FrozenTrial:
    (folders.path(number) / ERROR).write_text("Traceback ...\ntorch.OutOfMemoryError: CUDA out of memory\n")
    result = TrialResult(reason="OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB")
    return _trial(number, TrialState.FAIL, None, {CONFIG: config.canonical_json(), **asdict(result)})


def _repeat(stored: list[FrozenTrial], folders: TrialFolders, start: int, number: int) -> FrozenTrial:
    """Return the first trained trial from ``start`` backwards."""
    place = next(
        place
        for place in range(start, -1, -1)
        if stored[place].state != TrialState.FAIL and REPEAT_OF not in stored[place].user_attrs
    )
    folders.copy_outputs(place, number)
    original = stored[place]
    result = TrialResult.read(original.user_attrs).as_duplicate(place)
    attrs = {CONFIG: original.user_attrs[CONFIG], **asdict(result), REPEAT_OF: place}
    return _trial(number, original.state, original.value, attrs, intermediate_values=dict(original.intermediate_values))
