"""A space with every kind of range and condition, to narrow."""

from typing import Any

import numpy as np

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.space.parsing import parse_space
from search.space.random_draws import RandomDraws
from search.space.space import Space

TASKS = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}


BASE = RunConfig.model_validate({"tasks": TASKS})


SPACE = parse_space(
    {
        "optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
        "optim.weight_decay": {"low": 0.0, "high": 0.4},
        "sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.1},
        "heads.sst.layers": {"low": 1, "high": 9, "step": 2},
        "heads.sst.hidden_size": {"low": 8, "high": 512, "log": True, "when": {"heads.sst.layers": [3, 5, 7]}},
        "heads.sst.dropout_hidden": {"low": 0.0, "high": 0.5, "when": {"heads.sst.layers": {"above": 1}}},
        "heads.sts.dropout": {"low": 0.0, "high": 0.5, "when": {"heads.sst.dropout_hidden": {"below": 0.25}}},
        "heads.sts.pair": ["cross", "siamese"],
        "heads.sts.combine": {"choices": ["uv", "uv-absdiff"], "when": {"heads.sts.pair": "siamese"}},
        "heads.para.pooling": ["cls", "mean"],
        "loss.weights": {"simplex": True, "min": 0.05},
        "seed": {"low": 0, "high": 9},
    },
    BASE,
)


def run_of(space: Space, **fixed: Any) -> RunConfig:
    return space.suggest(RandomDraws(np.random.default_rng(0), fixed), BASE)


def narrowed(space: Space, config: RunConfig) -> dict[str, Any]:
    return {one.path: one.distribution for one in space.narrowed(config).dimensions}
