"""Check the layers that each task has for itself against an encoder's number of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.config.run import RunConfig

__all__ = ["own_layer_mistakes"]


def own_layer_mistakes(config: RunConfig, layers: int, found: str) -> Iterator[str]:
    """Yield why the run's ``model.own_layers`` does not suit its encoder.

    Args:
        config: the run.
        layers: number of layers of its encoder.
        found: says this number in messages, for example "model.scratch.layers = 2".
    """
    own, frozen = config.model.own_layers, config.model.freeze_layers
    if not own:
        return
    if own > layers:
        yield f"model.own_layers = {own}, but {found}"
    elif frozen + own > layers:
        yield (
            f"model.freeze_layers = {frozen} and model.own_layers = {own} overlap, because {found}: the tasks' copies "
            "of frozen layers would stay equal"
        )
    elif config.gradients.rule != "sum" and not _trains_shared_layers(config, layers):
        yield (
            f"gradients.rule = '{config.gradients.rule}' needs shared layers that are trained, but with "
            f"model.own_layers = {own} all shared layers are frozen ({found})"
        )


def _trains_shared_layers(config: RunConfig, layers: int) -> bool:
    own, model = config.model.own_layers, config.model
    if config.lora.rank:
        return own < layers or config.lora.embeddings
    if model.freeze_layers or model.freeze == "embeddings":
        return own + model.freeze_layers < layers
    return True
