"""Plan which of a run's stages are still to be trained, given the results in the cache."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.model.bert import BertConfig
from core.model.multitask import build_encoder
from core.pretraining.registry import make_stages
from core.pretraining.stage_folder import StageFolder
from core.pretraining.stage_keys import KeyedStage, key_stages
from core.run.errors import CheckpointError

__all__ = ["StagePlan", "plan_stages"]


@dataclass(frozen=True)
class StagePlan:
    """The remaining stages of a run.

    Attributes:
        shape: architecture of the encoder, with the run's dropout.
        weights: weights of the encoder before the first remaining stage, on the CPU.
        left: the remaining stages, in their order, each with its folder.
    """

    shape: BertConfig
    weights: dict[str, Tensor]
    left: list[tuple[KeyedStage, StageFolder]]


def plan_stages(
    config: RunConfig, pretraining: PretrainingConfig, resources: Resources, cache_dir: Path, device: torch.device
) -> StagePlan | None:
    """Plan a run's stages without writing anything; None if the run has no stages.

    Args:
        config: the run.
        pretraining: its stages.
        resources: shared by the runs of this process.
        cache_dir: results are in its folder ``stages``.
        device: where the stages are trained.

    Raises:
        UserError: if data or encoder cannot be used.
    """
    stages = make_stages(config, pretraining, resources)
    if not stages:
        return None
    encoder = resources.encoder(config)
    # Missing weights are initialised as for the run itself.
    start = build_encoder(config, encoder.config, encoder.read_weights())
    links = key_stages(stages, start, config, resources.layout(config), encoder.tokenizer.to_str(), device)
    folders = [StageFolder(cache_dir / "stages" / link.key) for link in links]
    done, weights = _last_result(folders)
    return StagePlan(
        start.config,
        dict(start.state_dict()) if weights is None else weights,
        list(zip(links[done:], folders[done:], strict=True)),
    )


def _last_result(folders: list[StageFolder]) -> tuple[int, dict[str, Tensor] | None]:
    """Return how many stages are done, and the weights after them; a result does not need the earlier ones."""
    for number in range(len(folders), 0, -1):
        with suppress(CheckpointError):  # damage is reported when the stage is trained
            weights = folders[number - 1].read_encoder()
            if weights is not None:
                return number, weights
    return 0, None
