"""Ablations without any training: what their runs predicted, and their records."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage

from core.config import RunConfig
from core.run.evaluation import Evaluation
from core.statistics import overall_score, own_metric
from data.reading import read_split
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks
from search.ablate.ablations import ablations
from search.ablate.outcome import AblationOutcome, read_ablation
from search.ablate.plan import ORIGIN, WINNER, AblationPlan
from search.finalists.replication import replication_spec
from search.recorded.study import IDENTITY
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG, ROLE, TrialResult

TASKS = ("sst", "sts")
SPECS = {task: builtin_tasks()[task] for task in TASKS}
SEEDS = (1, 2, 3)
RUNG = 100

PLAIN = {
    "tasks": {task: {"spec": SPECS[task]} for task in TASKS},
    "sampler": {"order": "round-robin"},
    "optim": {"learning_rate": 1e-4, "warmup": 0.0, "schedule": "constant", "clip_norm": None},
    "budget": {"examples": RUNG},
}


@dataclass(frozen=True)
class MadeAblation:
    """An ablation: its study, its folders and the data; scores by row, run and score."""

    study: optuna.Study
    storage: BaseStorage
    folders: TrialFolders
    data: Path
    scores: dict[str, list[dict[str, float]]]


def winner(data: Path) -> RunConfig:
    """Return a run with SMART, R-Drop and LoRA, and a learning rate other than the default."""
    return RunConfig.model_validate(
        {
            **PLAIN,
            "data": {"directory": str(data)},
            "smart": {"weight": {"sst": 1.0}},
            "r_drop": {"alpha": {"sts": 1.0}},
            "lora": {"rank": 8},
        }
    )


def make_ablation(root: Path, skills: dict[str, list[float]], seconds: dict[str, float]) -> MadeAblation:
    """Record a run for each skill of every row: how much it knows of the labels, 0 to 1."""
    data = root / "data"
    write_corpus(data, train=20, dev=200, test=5, seed=0)
    default = RunConfig.model_validate(PLAIN | {"optim": {**PLAIN["optim"], "learning_rate": 5e-5}})  # type: ignore
    config = winner(data)
    plan = AblationPlan("made", 7, "trial 7", (), config, 10.0, tuple(ablations(config, default)), SEEDS)
    assert {row.row for row in plan.rows} == set(ROWS)
    spec = replication_spec("made-ablation", plan.configs, SEEDS, origin={ORIGIN: plan.to_json()})
    storage = InMemoryStorage()
    study = optuna.create_study(study_name=spec.name, storage=storage, direction="maximize")
    study.set_user_attr(ORIGIN, json.loads(json.dumps(spec.origin[ORIGIN])))
    study.set_user_attr(IDENTITY, json.dumps(spec.identity()))
    folders, rng = TrialFolders(root / "runs" / spec.name), np.random.default_rng(0)
    gold = {task: np.asarray(read_split(SPECS[task], data, "dev").labels) for task in TASKS}
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in plan.configs}
    noise = {"sst": rng.dirichlet(np.ones(5), len(gold["sst"])), "sts": rng.normal(size=len(gold["sts"]))}
    for first in spec.first_trials:
        row, seed = first.params["variant"], first.params["seed"]
        of_row = skills[row]
        if SEEDS.index(seed) >= len(of_row):
            continue
        skill = of_row[SEEDS.index(seed)]
        study.enqueue_trial(first.params)
        trial = study.ask()
        chosen = RunConfig.model_validate(plan.configs[row].model_dump() | {"seed": seed})
        trial.suggest_categorical("variant", list(plan.configs))
        trial.suggest_categorical("seed", list(SEEDS))
        run = folders.run(trial.number)
        run.make()
        run.write_config(chosen)
        predictions = {
            "sst": (skill * np.eye(5)[gold["sst"]] + noise["sst"]).astype(np.float32),
            "sts": (skill * gold["sts"] + noise["sts"]).astype(np.float32),
        }
        for task, values in predictions.items():
            run.write_predictions(RUNG, {task: values})
        own = {task: own_metric(SPECS[task], predictions[task], gold[task]) for task in TASKS}
        overall = overall_score(own, SPECS, dict.fromkeys(TASKS, 1.0))
        evaluation = Evaluation(RUNG, RUNG, 1, overall, own, {}, {}, seconds.get(row, 10.0), 100.0)
        run.write_metrics([evaluation])
        trial.set_user_attr(CONFIG, chosen.model_dump_json())
        trial.set_user_attr(ROLE, first.role)
        result = TrialResult.of([evaluation], "")
        result.write(trial)
        study.tell(trial, overall)
        scores[row].append({**own, "overall": overall})
    return MadeAblation(study, storage, folders, data, scores)


ROWS = ("without SMART smoothness", "without R-Drop", "without LoRA", "default learning rate")


@pytest.fixture
def made(tmp_path: Path) -> MadeAblation:
    """Return an ablation: SMART helps, R-Drop only costs half of the time, LoRA does harm; one run is missing."""
    skills = {
        WINNER: [0.40, 0.41, 0.39],
        "without SMART smoothness": [0.15, 0.16, 0.14],
        "without R-Drop": [0.41, 0.40, 0.40],
        "without LoRA": [0.80, 0.81, 0.79],
        "default learning rate": [0.39, 0.40],
    }
    return make_ablation(tmp_path, skills, {"without R-Drop": 5.0})


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., MadeAblation]:
    """Return a function that makes an ablation whose runs are about equally good, except for those of named rows."""

    def made_of(name: str, skills: dict[str, list[float]]) -> MadeAblation:
        return make_ablation(tmp_path / name, {row: [0.40, 0.41, 0.39] for row in (WINNER, *ROWS)} | skills, {})

    return made_of


@pytest.fixture
def outcome(made: Any) -> AblationOutcome:
    found = read_ablation(made.study, made.folders)
    assert found is not None
    return found
