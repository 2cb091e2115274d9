"""Whether an encoder suits a run: rows, segments, layers, pooler."""

from __future__ import annotations

from torch import Tensor

from core.config import RunConfig
from core.model.bert import BertConfig
from data.errors import UserError

__all__ = ["check_fit"]


def check_fit(config: RunConfig, encoder: BertConfig, weights: dict[str, Tensor] | None) -> None:
    """Refuse a run that asks of its encoder what it has not.

    Args:
        config: the run.
        encoder: shape of its encoder.
        weights: of the encoder; None: they are to be drawn.

    Raises:
        UserError: with the setting, its value and what the encoder has.
    """
    _check_rows(config, encoder)
    _check_layers(config, encoder.num_hidden_layers)
    _check_pooler(config, weights)


def _check_rows(config: RunConfig, encoder: BertConfig) -> None:
    if config.model.max_length > encoder.max_position_embeddings:
        raise UserError(
            f"model.max_length = {config.model.max_length}, but encoder '{config.model.encoder}' reads at most "
            f"{encoder.max_position_embeddings} tokens"
        )
    for name, task in config.tasks.items():
        if task.spec.kind.is_pair and config.heads[name].pair == "cross" and encoder.type_vocab_size < 2:
            raise UserError(
                f"encoder '{config.model.encoder}' has no second segment (type_vocab_size = 1), which the pairs of "
                f"task '{name}' need; set heads.{name}.pair = 'siamese'"
            )


def _check_pooler(config: RunConfig, weights: dict[str, Tensor] | None) -> None:
    """Many checkpoints come without a pooler. A fresh one is trained with the rest, but not in a frozen encoder."""
    if config.model.freeze != "encoder" or weights is None or "pooler.dense.weight" in weights:
        return
    for name, head in config.heads.items():
        if head.pooling == "pooler":
            raise UserError(
                f"heads.{name}.pooling = 'pooler', but encoder '{config.model.encoder}' has no weights for its pooler, "
                "and with model.freeze = 'encoder' it would stay random; use 'cls' or 'mean'"
            )


def _check_layers(config: RunConfig, layers: int) -> None:
    frozen, anew = config.model.freeze_layers, config.model.reinit_layers
    for name, number in (("freeze_layers", frozen), ("reinit_layers", anew)):
        if number > layers:
            raise UserError(f"model.{name} = {number}, but encoder '{config.model.encoder}' has {layers} layers")
    if anew and frozen + anew > layers:
        raise UserError(
            f"model.freeze_layers = {frozen} and reinit_layers = {anew} overlap in the {layers} layers of encoder "
            f"'{config.model.encoder}': layers that start anew would stay random"
        )
