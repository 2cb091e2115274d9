"""One BERT with a head for every task."""

from __future__ import annotations

import zlib
from dataclasses import replace

import torch
from torch import Tensor, nn

from core.bert import Bert, BertConfig
from core.config import RunConfig
from core.heads import TaskHead
from core.losses import TaskLoss, make_loss
from core.pooling import EncodedRows
from data.batching import Batch

__all__ = ["MultitaskBert", "build_model"]


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

    def encode(self, batch: Batch) -> EncodedRows:
        """Last hidden states of the batch's rows."""
        rows = batch.padded()
        hidden = self.bert(rows.input_ids, rows.attention_mask, rows.token_type_ids)
        return EncodedRows(hidden, rows.attention_mask)

    def forward(self, batch: Batch) -> Tensor:
        """The outputs of the batch's task, (B, C)."""
        outputs: Tensor = self.heads[batch.task](self.bert, self.encode(batch), batch.pooled)
        return outputs

    def predict(self, batch: Batch) -> Tensor:
        """Class probabilities (B, K) or scores (B,)."""
        return self.losses[batch.task].predict(self(batch))


def build_model(config: RunConfig, bert_config: BertConfig, weights: dict[str, Tensor] | None) -> MultitaskBert:
    """The run's model on the CPU: encoder weights from a checkpoint, or random ones where there is none.

    Random weights depend on ``config.seed`` alone: a head starts the same whatever other tasks there are.
    """
    shape = replace(
        bert_config,
        hidden_dropout_prob=_given(config.model.dropout, bert_config.hidden_dropout_prob),
        attention_probs_dropout_prob=_given(config.model.attention_dropout, bert_config.attention_probs_dropout_prob),
    )
    bert = Bert(shape, weights, torch.Generator().manual_seed(config.seed))
    heads, losses = {}, {}
    for name, task in config.tasks.items():
        losses[name] = make_loss(config.heads[name], task.spec)
        generator = torch.Generator().manual_seed(config.seed * 2**32 + zlib.crc32(name.encode()))
        heads[name] = TaskHead(
            config.heads[name], shape.hidden_size, losses[name].outputs, shape.initializer_range, generator
        )
    return MultitaskBert(bert, heads, losses)


def _given(override: float | None, own: float) -> float:
    return own if override is None else override
