"""A small BERT, and transformers' model with the same weights."""

from __future__ import annotations

import torch
import transformers
from torch import Tensor

from core.model.bert import Bert, BertConfig

__all__ = ["SMALL", "random_rows", "reference_for"]

# Initial weights ten times as wide as usual, so that attention is far from uniform and a wrong update shows.
SMALL = BertConfig(
    vocab_size=50,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=40,
    initializer_range=0.2,
)


def reference_for(bert: Bert, attention: str = "eager") -> transformers.BertModel:
    """Return transformers' model with the same weights; strict, so that every name has to agree."""
    config = transformers.BertConfig(**bert.config.to_dict(), attn_implementation=attention)
    reference = transformers.BertModel(config).to(next(bert.parameters()).dtype)
    reference.load_state_dict(bert.state_dict(), strict=True)
    return reference.train(bert.training)


def random_rows(config: BertConfig, lengths: list[int], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return right-padded ids, bool mask and segments; row r has lengths[r] tokens."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    mask = torch.arange(shape[1])[None, :] < torch.tensor(lengths)[:, None]
    ids = torch.randint(1, config.vocab_size, shape, generator=generator).masked_fill(~mask, 0)
    segments = torch.randint(0, config.type_vocab_size, shape, generator=generator)
    return ids, mask, segments
