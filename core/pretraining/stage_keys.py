"""The names of a run's stages: what each result depends on, by hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import torch

from core.config import ComputeConfig, RunConfig
from core.model.bert import Bert
from core.pretraining.stage import Stage
from core.pretraining.weights_digest import weights_digest
from data.rows import RowLayout

__all__ = ["KeyedStage", "key_stages"]

_FORMAT = 1  # raise it when the same stage would give other weights


@dataclass(frozen=True)
class KeyedStage:
    """A stage with its place in a chain.

    Attributes:
        stage: the stage.
        facts: everything its result depends on, JSON-able.
        key: SHA-256 of the facts, 64 hex digits.
    """

    stage: Stage
    facts: dict[str, Any]
    key: str


def key_stages(
    stages: list[Stage], start: Bert, config: RunConfig, layout: RowLayout, tokenizer: str, device: torch.device
) -> list[KeyedStage]:
    """Every stage with its key, which runs share exactly if they have its result in common.

    A key holds the encoder that the chain starts from, weight by weight; the tokenizer and the row layout; the stages
    up to this one with their settings, sources and layers from the checkpoint; the run's seed; and what sums of floats
    depend on. It does not hold anything of the run that comes after, nor where the data lie.

    Args:
        stages: in their order.
        start: the encoder before the first stage, with the run's dropout.
        config: the run.
        layout: how rows are put together.
        tokenizer: its content.
        device: where the stages are trained.
    """
    facts: dict[str, Any] = {
        "format": _FORMAT,
        "shape": asdict(start.config),
        "weights": weights_digest(start.state_dict()),
        "tokenizer": hashlib.sha256(tokenizer.encode()).hexdigest(),
        "layout": asdict(layout),
        "seed": config.seed,
        "compute": _compute(config.compute, device),
    }
    links: list[KeyedStage] = []
    for stage in stages:
        own = {"stage": stage.name, "config": stage.config.model_dump(mode="json", exclude={"tasks"})}
        facts = {**facts, **own, "sources": stage.sources, **stage.layers}
        links.append(KeyedStage(stage, facts, _digest(facts)))
        facts = {"after": links[-1].key}
    return links


def _compute(compute: ComputeConfig, device: torch.device) -> dict[str, Any]:
    return {"device": device.type, "threads": compute.threads, "precision": compute.precision}


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
