"""Let the tokens of a row attend to one another (Vaswani et al. 2017, arXiv:1706.03762, section 3.2).

Letters in shape comments: B rows, T tokens per row, H hidden size, A attention heads, D = H / A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from core.model.bert import BertConfig

__all__ = ["SelfAttention"]


class SelfAttention(nn.Module):
    """Multi-head self-attention without the output matrix, which follows in a layer of :mod:`core.model.bert`.

    Args:
        config: width, heads and dropout.
        bias: whether the linear maps have biases, as BERT's do.
    """

    def __init__(self, config: BertConfig, bias: bool = True) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.dropout_prob = config.attention_probs_dropout_prob
        # One matrix for all three was not faster on a CPU, and the checkpoint has three.
        self.query = nn.Linear(config.hidden_size, config.hidden_size, bias=bias)
        self.key = nn.Linear(config.hidden_size, config.hidden_size, bias=bias)
        self.value = nn.Linear(config.hidden_size, config.hidden_size, bias=bias)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, H), (B, 1, 1, T) bool -> (B, T, H)."""
        context = F.scaled_dot_product_attention(
            self._split(self.query(hidden)),
            self._split(self.key(hidden)),
            self._split(self.value(hidden)),
            attn_mask=mask,
            dropout_p=self.dropout_prob if self.training else 0.0,
        )
        return context.transpose(1, 2).flatten(2)  # (B, A, T, D) -> (B, T, H)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (B, T, H) -> (B, A, T, D)
