"""Key a run's stages by what their results depend on."""

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

_FORMAT = 2  # raise it when the same stage would give other weights


@dataclass(frozen=True)
class KeyedStage:
    """A stage with its key.

    Attributes:
        stage: the stage.
        facts: everything that its result depends on, JSON-serialisable.
        key: SHA-256 of the facts, 64 hex digits.
    """

    stage: Stage
    facts: dict[str, Any]
    key: str


def key_stages(
    stages: list[Stage], start: Bert, config: RunConfig, layout: RowLayout, tokenizer: str, device: torch.device
) -> list[KeyedStage]:
    """Compute the key of every stage; two runs have equal keys exactly if they can share the stage's result.

    A key covers the initial encoder, weight by weight; the tokenizer and the row layout; the stages up to this one with
    their settings, sources and layers from the checkpoint; the run's seed; and what floating-point sums depend on. It
    covers neither later parts of the run nor the location of the data.

    Args:
        stages: the stages in their order.
        start: the encoder before the first stage, with the run's dropout.
        config: the run.
        layout: layout of the rows.
        tokenizer: the tokenizer's content.
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
        own: dict[str, Any] = {"stage": stage.name, "config": stage.config.result_settings()}
        if stage.config.lora:
            own["lora"] = config.lora.model_dump(mode="json")
        facts = {**facts, **own, "sources": stage.sources, **stage.layers}
        links.append(KeyedStage(stage, facts, _digest(facts)))
        facts = {"after": links[-1].key}
    return links


def _compute(compute: ComputeConfig, device: torch.device) -> dict[str, Any]:
    return {"device": device.type, "threads": compute.threads, "precision": compute.precision}


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
