"""How far two distributions over classes are apart."""

from __future__ import annotations

from torch import Tensor

__all__ = ["symmetric_kl"]


def symmetric_kl(logits: Tensor, others: Tensor) -> Tensor:
    """KL(p || q) + KL(q || p) of p = softmax(logits), q = softmax(others), (B, K) each; mean over the batch, ().

    Both directions together are sum_k (p_k - q_k) (log p_k - log q_k). No term of it can be negative, equal logits give
    exactly 0, and it stays finite where a probability is too small for its number format.
    """
    log_p, log_q = logits.log_softmax(dim=-1), others.log_softmax(dim=-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=-1).mean()
