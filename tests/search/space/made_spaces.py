"""Spaces over the course's tasks, for the tests of this folder."""

from typing import Any

from core.config import RunConfig
from data.task_files import builtin_tasks


def base(**sections: Any) -> RunConfig:
    tasks = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}
    return RunConfig.model_validate({"tasks": tasks, **sections})


EVERYTHING: dict[str, Any] = {
    "heads.sts.combine": {
        "choices": ["uv", "uv-diff", "uv-absdiff"],
        "when": {"heads.sts.pair": "siamese"},
    },
    "heads.sts.pair": ["cross", "siamese"],
    "heads.sst.dropout_hidden": {"low": 0.0, "high": 0.5, "when": {"heads.sst.layers": {"above": 1}}},
    "heads.sst.layers": {"low": 1, "high": 5, "step": 2},
    "heads.sst.hidden_size": {"low": 8, "high": 512, "log": True, "when": {"heads.sst.layers": [3, 5]}},
    "optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "optim.clip_norm": ["none", 1.0, 5],
    "sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.1},
    "loss.weights": {"simplex": True, "min": 0.05},
}
