"""Check that an encoder fits a run: rows, segments, layers, pooler."""

from __future__ import annotations

from core.config import RunConfig
from core.config.own_layers import own_layer_mistakes
from core.model.bert import BertConfig
from data.errors import UserError

__all__ = ["check_fit"]


def check_fit(config: RunConfig, encoder: BertConfig, has_pooler: bool = True) -> None:
    """Refuse a run whose settings its encoder does not support.

    Args:
        config: the run.
        encoder: architecture of its encoder.
        has_pooler: whether its pooler has weights; also true if all of its weights are random.

    Raises:
        UserError: naming the setting, its value and the encoder's limit.
    """
    _check_rows(config, encoder)
    _check_layers(config, encoder.num_hidden_layers)
    _check_pooler(config, has_pooler)


def _check_rows(config: RunConfig, encoder: BertConfig) -> None:
    if config.model.max_length > encoder.max_position_embeddings:
        raise UserError(
            f"model.max_length = {config.model.max_length}, but encoder '{config.model.encoder}' supports at most "
            f"{encoder.max_position_embeddings} tokens"
        )
    for name, task in config.tasks.items():
        if task.spec.kind.is_pair and config.heads[name].pair == "cross" and encoder.type_vocab_size < 2:
            raise UserError(
                f"heads.{name}.pair = 'cross' needs two segments, but encoder '{config.model.encoder}' has one "
                f"(type_vocab_size = 1); set heads.{name}.pair = 'siamese'"
            )


def _check_pooler(config: RunConfig, has_pooler: bool) -> None:
    """Refuse a pooler that would stay random: many checkpoints have none, and a frozen encoder would not train it."""
    if config.model.freeze != "encoder" or has_pooler:
        return
    for name, head in config.heads.items():
        if head.pooling == "pooler":
            raise UserError(
                f"heads.{name}.pooling = 'pooler', but encoder '{config.model.encoder}' has no pooler weights, and "
                "with model.freeze = 'encoder' the pooler would stay random; use 'cls' or 'mean'"
            )


def _check_layers(config: RunConfig, layers: int) -> None:
    frozen, reinitialised = config.model.freeze_layers, config.model.reinit_layers
    for name, number in (("freeze_layers", frozen), ("reinit_layers", reinitialised)):
        if number > layers:
            raise UserError(f"model.{name} = {number}, but encoder '{config.model.encoder}' has {layers} layers")
    if reinitialised and frozen + reinitialised > layers:
        raise UserError(
            f"model.freeze_layers = {frozen} and model.reinit_layers = {reinitialised} overlap in the {layers} layers "
            f"of encoder '{config.model.encoder}': reinitialised layers would stay random"
        )
    for mistake in own_layer_mistakes(config, layers, f"encoder '{config.model.encoder}' has {layers} layers"):
        raise UserError(mistake)
