"""Clip gradients by their norm (Pascanu et al. 2013, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

__all__ = ["clip_gradients"]


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], norm: float) -> None:
    """Multiply all gradients by min(1, c / |g|), in place, with |g| over all of them; they may be sparse.

    Args:
        parameters: those without a gradient are left out.
        norm: c, the largest L2 norm.
    """
    values = []
    for parameter in parameters:
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
            values.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
    if not values:
        return
    total = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(values)))
    factor = (norm / (total + 1e-6)).clamp(max=1.0)  # as in torch's own function
    if total.device.type != "cpu" or float(factor) < 1:  # elsewhere, reading it would wait for the device
        torch._foreach_mul_(values, factor)
