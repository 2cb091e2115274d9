"""Runs drawn from a space, to be given scores that a test knows the truth of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.recorded.study import IDENTITY
from search.space.parsing import parse_space
from search.space.paths import get_value
from search.space.random_draws import RandomDraws
from search.space.space import Space
from search.trials.record import TrialResult

BASE = RunConfig.model_validate(
    {"tasks": {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}, "lora": {"alpha": 8.0}}
)
TABLE: dict[str, Any] = {
    "optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "lora.rank": [0, 8],
    "lora.alpha": {"low": 8.0, "high": 64.0, "when": {"lora.rank": {"above": 0}}},
    "optim.schedule": ["linear", "cosine", "constant"],
    "optim.warmup": {"low": 0.0, "high": 0.3, "step": 0.1},
    "heads.sst.dropout": {"low": 0.0, "high": 0.5},
    "loss.weights": {"simplex": True},
    "seed": [0, 1],
}
SPACE = parse_space(TABLE, BASE)


@cache
def runs(count: int, seed: int = 0) -> tuple[RunConfig, ...]:
    """Return random runs of the space."""
    rng = np.random.default_rng(seed)
    return tuple(drawn(SPACE, BASE, rng) for _ in range(count))


def drawn(space: Space, base: RunConfig, rng: np.random.Generator) -> RunConfig:
    return space.suggest(RandomDraws(rng), base)


def of(configs: tuple[RunConfig, ...], path: str) -> np.ndarray:
    """Return a setting of every run."""
    return np.array([get_value(config, path) for config in configs])


def position(configs: tuple[RunConfig, ...], path: str) -> np.ndarray:
    """Return a number of every run from 0 to 1 over its range."""
    table = TABLE[path]
    scale = np.log if table.get("log") else np.asarray
    low, high = scale(table["low"]), scale(table["high"])
    return np.asarray((scale(of(configs, path)) - low) / (high - low))


def study_of(configs: Sequence[RunConfig], curves: Sequence[dict[int, float]], pruned: Sequence[bool]) -> optuna.Study:
    """Return a recorded study of these runs, each with its overall score by rung, without their folders."""
    study = optuna.create_study(direction="maximize")
    study.set_user_attr(IDENTITY, json.dumps({"space": SPACE.to_json()}))
    for config, curve, stopped in zip(configs, curves, pruned, strict=True):
        best = max(curve, key=lambda rung: curve[rung])
        result = TrialResult(curve[best], {"sst": curve[best]}, best, max(curve), 1.0)
        trial = create_trial(
            state=TrialState.PRUNED if stopped else TrialState.COMPLETE,
            value=None if stopped else curve[best],
            user_attrs={"config": config.canonical_json(), **asdict(result)},
            intermediate_values=curve,
        )
        study.add_trial(trial)
    return study
