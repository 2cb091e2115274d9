"""One BERT with a head for every task."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from core.bert import Bert, BertConfig
from core.config import RunConfig
from core.freezing import freeze
from core.heads import TaskHead
from core.lora import add_lora
from core.losses import TaskLoss, make_loss
from core.named_generator import named_generator
from core.pooling import EncodedRows
from core.reinitialisation import reinitialise
from data.batching import Batch

__all__ = ["MultitaskBert", "build_model", "build_plain_model"]


class MultitaskBert(nn.Module):
    """The shared encoder, the heads, and what the heads' outputs mean.

    Args:
        bert: shared encoder.
        heads: one per task.
        losses: one per task.
    """

    def __init__(self, bert: Bert, heads: dict[str, TaskHead], losses: dict[str, TaskLoss]) -> None:
        super().__init__()
        self.bert = bert
        self.heads = nn.ModuleDict(heads)
        self.losses = losses

    def embed_words(self, batch: Batch) -> Tensor:
        """The word embeddings of the batch's padded rows, before anything is added or normalised, (R, T, H)."""
        return self.bert.embed_words(batch.padded().input_ids)

    def encode(self, batch: Batch, word_embeddings: Tensor | None = None) -> EncodedRows:
        """Last hidden states of the batch's rows; ``word_embeddings`` (R, T, H) go in place of their own."""
        rows = batch.padded()
        hidden = self.bert(rows.input_ids, rows.attention_mask, rows.token_type_ids, word_embeddings)
        return EncodedRows(hidden, rows.attention_mask)

    def forward(self, batch: Batch, word_embeddings: Tensor | None = None) -> Tensor:
        """The outputs of the batch's task, (B, C); see :meth:`encode`."""
        outputs: Tensor = self.heads[batch.task](self.bert, self.encode(batch, word_embeddings), batch.pooled)
        return outputs

    def predict(self, batch: Batch) -> Tensor:
        """Class probabilities (B, K) or scores (B,)."""
        return self.losses[batch.task].predict(self(batch))


def build_model(config: RunConfig, bert_config: BertConfig, weights: dict[str, Tensor] | None) -> MultitaskBert:
    """The run's model on the CPU as training begins: some layers drawn anew, some frozen, or with LoRA's updates.

    Random weights depend on ``config.seed`` alone: a head starts the same whatever other tasks there are.

    Args:
        config: the run.
        bert_config: the encoder's shape.
        weights: of the encoder's checkpoint; None is random ones.
    """
    model = build_plain_model(config, bert_config, weights)
    reinitialise(model.bert, config.model.reinit_layers, config.seed)
    freeze(model.bert, config.model)
    add_lora(model.bert, config.lora, config.seed)
    if config.lora.rank and any(config.heads[name].pooling == "pooler" for name in config.tasks):
        # A pooler in use is a part of the heads: many checkpoints come without one, and random it would stay.
        model.bert.pooler.requires_grad_(True)
    return model


def build_plain_model(config: RunConfig, bert_config: BertConfig, weights: dict[str, Tensor] | None) -> MultitaskBert:
    """Encoder and heads with the weights given, and nothing done for training; arguments of :func:`build_model`."""
    shape = replace(
        bert_config,
        hidden_dropout_prob=_given(config.model.dropout, bert_config.hidden_dropout_prob),
        attention_probs_dropout_prob=_given(config.model.attention_dropout, bert_config.attention_probs_dropout_prob),
    )
    bert = Bert(shape, weights, torch.Generator().manual_seed(config.seed))
    heads, losses = {}, {}
    for name, task in config.tasks.items():
        losses[name] = make_loss(config.heads[name], task.spec)
        generator = named_generator(config.seed, name)
        heads[name] = TaskHead(
            config.heads[name], shape.hidden_size, losses[name].outputs, shape.initializer_range, generator
        )
    return MultitaskBert(bert, heads, losses)


def _given(override: float | None, own: float) -> float:
    return own if override is None else override
