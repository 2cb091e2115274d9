"""Linear maps of the encoder: under autocast on a CPU their products are bfloat16, and nothing is cast.

Autocast itself casts every weight and activation back and forth, which costs more than bfloat16 saves. oneDNN can round
the operands of float32 tensors while it multiplies them, and adds up in float32. It compiles code for every new number
of rows, which takes milliseconds, so the rows of a batch's tokens are filled up to few different numbers; with others,
which products of single tokens have, they are float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Linear", "filled_up", "linear", "rounds_products"]

T = TypeVar("T")

FEWEST: Final = 16  # rows of a product in bfloat16
STEPS: Final = 8  # numbers of rows between a power of two and the next


class Linear(nn.Linear):
    """torch's linear layer, computed by :func:`linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b, (..., in) -> (..., out), in the precision that the module names."""
    if not rounds_products(x.device) or x.dtype != torch.float32 or weight.dtype != torch.float32:
        return F.linear(x, weight, bias)
    if x.dim() == 2 and len(x) == filled_up(len(x)):
        out: Tensor = _RoundedLinear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return out
    with torch.autocast("cpu", enabled=False):
        return F.linear(x, weight, bias)


def rounds_products(device: torch.device) -> bool:
    """Return whether float32 products are rounded to bfloat16 here: under autocast, on a CPU that can."""
    return device.type == "cpu" and torch.is_autocast_enabled("cpu") and _can_round()


def filled_up(rows: int) -> int:
    """Return the next number of rows for which code is compiled; an eighth more at most, but for fewer than 128."""
    step = max(FEWEST, (1 << rows.bit_length()) // (2 * STEPS))
    return -(-rows // step) * step


def _rounded(product: Callable[[], T]) -> T:
    """Compute products whose float32 operands are rounded to bfloat16."""
    settings: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # torch has not annotated it
    # Switches instead of torch's context managers, which would take a quarter of the time of a small product.
    precision, is_autocast = settings.fp32_precision, torch.is_autocast_enabled("cpu")
    torch.set_autocast_enabled("cpu", False)
    settings.fp32_precision = "bf16"
    try:
        return product()
    finally:
        settings.fp32_precision = precision
        torch.set_autocast_enabled("cpu", is_autocast)


@lru_cache(maxsize=1)
def _can_round() -> bool:
    """Return whether oneDNN can; without the instructions for it, torch computes in float32 instead."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    ones = torch.full((64, 64), 1 + 2**-12)  # bfloat16 has 8 bits
    return bool((_rounded(lambda: ones @ ones) == 64).all())


class _RoundedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """(N, in), (out, in), (out,) -> (N, out)."""
        ctx.save_for_backward(x, weight)
        return _rounded(partial(F.linear, x, weight, bias))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return _rounded(partial(_gradients, gradient, x, weight, ctx.needs_input_grad))


def _gradients(gradient: Tensor, x: Tensor, weight: Tensor, needed: tuple[bool, ...]) -> tuple[Tensor | None, ...]:
    return (
        gradient @ weight if needed[0] else None,
        gradient.T @ x if needed[1] else None,
        gradient.sum(0) if needed[2] else None,
    )
