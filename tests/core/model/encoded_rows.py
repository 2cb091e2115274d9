"""A few encoded rows with padding."""

from __future__ import annotations

import torch

from core.model.bert import BertConfig
from core.model.pooling import EncodedRows

SHAPE = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)


def rows() -> EncodedRows:
    hidden = torch.randn(3, 4, 8)
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    return EncodedRows(hidden, mask)
