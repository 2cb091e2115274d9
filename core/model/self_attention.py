"""Let the tokens of a row attend to one another (Vaswani et al. 2017, arXiv:1706.03762, section 3.2).

Letters in shape comments: R rows, T tokens per padded row, N tokens of all rows, H hidden size, A attention heads,
D = H / A, Q queries per row: T, or 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from core.model.dropout import draw_kept
from core.model.linear import Linear
from core.model.row_packing import RowPacking

if TYPE_CHECKING:
    from core.model.bert import BertConfig

__all__ = ["SelfAttention"]

_GROUP_BYTES: Final = 8 * 2**20
_MOST_PARTS: Final = 8  # of rows of one length; each costs what a small operation costs


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
        self.query = Linear(config.hidden_size, config.hidden_size, bias=bias)
        self.key = Linear(config.hidden_size, config.hidden_size, bias=bias)
        self.value = Linear(config.hidden_size, config.hidden_size, bias=bias)

    def forward(self, hidden: Tensor, packing: RowPacking, first_only: bool = False) -> Tensor:
        """(N, H) -> (N, H), or (R, H) for the first tokens' queries alone."""
        queries = self.query(hidden.index_select(0, packing.first) if first_only else hidden)
        keys, values = self.key(hidden), self.value(hidden)
        dropout = self.dropout_prob if self.training else 0.0
        if dropout and hidden.device.type == "cpu":
            operands = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (queries, keys, values))
            out: Tensor = _DroppedAttention.apply(*operands, packing, self.heads, dropout)  # type: ignore[no-untyped-call]
            return out.to(queries.dtype)
        with torch.autocast(hidden.device.type, enabled=False):  # as in _DroppedAttention
            if 0 < len(packing.equal_rows) <= _MOST_PARTS:
                return self._attend_by_length(queries, keys, values, packing, first_only)
            queries = queries[:, None] if first_only else packing.unpack(queries)
            mask = packing.attention_mask(queries.shape[1])
            merged = self._attend(queries, packing.unpack(keys), packing.unpack(values), mask, dropout)
            return merged[:, 0] if first_only else packing.pack(merged)

    def _attend_by_length(
        self, queries: Tensor, keys: Tensor, values: Tensor, packing: RowPacking, first_only: bool
    ) -> Tensor:
        """Attend where the rows lie, since those of one length have no padding among them."""
        contexts = []
        for part in packing.equal_rows:
            k, v = (x[part.tokens].view(-1, part.length, x.shape[-1]) for x in (keys, values))
            q = queries[part.rows][:, None] if first_only else queries[part.tokens].view_as(k)
            contexts.append(self._attend(q, k, v).flatten(0, 1))
        if extra := len(queries) - sum(len(context) for context in contexts):  # what fills up the layout
            contexts.append(queries.new_zeros(extra, queries.shape[-1]))
        return contexts[0] if len(contexts) == 1 else torch.cat(contexts)

    def _attend(
        self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None, dropout: float = 0.0
    ) -> Tensor:
        """(R, Q, H), (R, T, H), (R, T, H) -> (R, Q, H)."""
        q, k, v = (x.view(*x.shape[:2], self.heads, -1).transpose(1, 2) for x in (queries, keys, values))
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return context.transpose(1, 2).flatten(2)  # (R, A, Q, D) -> (R, Q, H)


class _DroppedAttention(torch.autograd.Function):
    """Attention with dropout on its weights, which torch's fast kernels for the CPU do not have.

    With P = softmax(q k^T / sqrt(D)), and K = 1 for weights that are kept and 0 for others, the context is c (P o K) v
    with c = 1 / (1 - p). One number is kept of each weight until the backward pass: S = P / 2 if it is kept, and
    -P / 2 otherwise, so that max(S, 0) = P o K / 2 and |S| = P / 2. With g = 2 c of the context's gradient and
    t = max(S, 0) o (g v^T), the gradients are max(S, 0)^T g of v, and t - 2 |S| sum(t) of the scores.

    Not for bfloat16: oneDNN would compile code for each length of rows.
    """

    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, keys: Tensor, values: Tensor, packing: RowPacking, heads: int, dropout: float
    ) -> Tensor:
        """(N, H) or (R, H), (N, H), (N, H) -> like queries."""
        first_only = len(queries) != len(keys)  # with rows of one token it makes no difference
        with torch.autocast("cpu", enabled=False):
            k, v = packing.split_heads(keys, heads), packing.split_heads(values, heads)  # (R A, T, D)
            q = queries.reshape(len(k), 1, -1) if first_only else packing.split_heads(queries, heads)  # (R A, Q, D)
            ctx.scale = 1 / math.sqrt(q.shape[-1])
            context, padding = torch.empty_like(q), packing.padding(heads, q.dtype)
            signed = []
            for group in _groups(q, k):
                added = padding if len(padding) == 1 else padding[group]
                scores = torch.baddbmm(added, q[group], k[group].transpose(1, 2), alpha=ctx.scale)
                weights = torch.softmax(scores, -1)  # (G, Q, T)
                kept, ctx.kept_scale = draw_kept(weights, dropout)
                signed.append(weights.mul_(kept.to(weights.dtype).sub_(0.5)))
                torch.bmm(signed[-1].clamp_min(0), v[group], out=context[group])
            context.mul_(2 * ctx.kept_scale)
        ctx.save_for_backward(q, k, v, *signed)
        ctx.packing, ctx.heads, ctx.first_only = packing, heads, first_only
        return context.view_as(queries) if first_only else packing.merge_heads(context, heads)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *signed = ctx.saved_tensors
        packing, heads = ctx.packing, ctx.heads
        if ctx.first_only:
            of_context = gradient.reshape(q.shape) * (2 * ctx.kept_scale)
        else:
            of_context = packing.split_heads(gradient * (2 * ctx.kept_scale), heads)
            if packing.mask is not None:  # padded queries have no gradient
                rows, longest = packing.shape
                of_context.view(rows, heads, longest, -1).mul_(packing.mask[:, None, :, None])
        of_queries, of_keys, of_values = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        for group, one in zip(_groups(q, k), signed, strict=True):
            kept = one.clamp_min(0)
            torch.bmm(kept.transpose(1, 2), of_context[group], out=of_values[group])
            of_scores = torch.bmm(of_context[group], v[group].transpose(1, 2)).mul_(kept)
            total = of_scores.sum(-1, keepdim=True)
            of_scores.addcmul_(torch.abs(one, out=kept), total, value=-2)  # in the memory of kept, which is used up
            torch.bmm(of_scores, k[group], out=of_queries[group])
            torch.bmm(of_scores.transpose(1, 2), q[group], out=of_keys[group])
        of_queries.mul_(ctx.scale)
        of_keys.mul_(ctx.scale)
        merged = (packing.merge_heads(part, heads) for part in (of_keys, of_values))
        query_part = of_queries.view_as(gradient) if ctx.first_only else packing.merge_heads(of_queries, heads)
        return query_part, *merged, None, None, None


def _groups(queries: Tensor, keys: Tensor) -> list[slice]:
    """Return slices of all rows' heads, (R A, ...), that are computed one after the other.

    Their attention weights then stay in the processor's cache, and in memory that the C library keeps: it returns
    blocks of more than 32 MiB to the system, which clears them each time.
    """
    per_head = queries.shape[1] * keys.shape[1] * queries.element_size()
    count = max(1, _GROUP_BYTES // per_head)
    return [slice(start, start + count) for start in range(0, len(queries), count)]
