"""Linear maps of the encoder; under autocast on a CPU with AMX, oneDNN rounds their operands to bfloat16.

Elsewhere they are torch's own. Autocast itself casts every weight and activation back and forth, which costs more than
bfloat16 saves. oneDNN can round the operands of float32 tensors while it multiplies them, and adds up in float32. It
compiles code for every new number of rows, which takes milliseconds, so the tokens of a batch are filled up to one of
few numbers of rows. Products with other numbers are float32. Where only first tokens are computed, the batch decides:
16 rows are rounded, 24 are not.
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

_FEWEST: Final = 16  # rows of a product in bfloat16
_STEPS: Final = 8  # numbers of rows between a power of two and the next


class Linear(nn.Linear):
    """torch's linear layer, computed by :func:`linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b, (..., in) -> (..., out), rounded if the number of rows allows it; see the top of this file."""
    if not rounds_products(x.device) or x.dtype not in (torch.float32, torch.bfloat16) or weight.dtype != torch.float32:
        return F.linear(x, weight, bias)
    if x.dim() == 2 and len(x) == filled_up(len(x)):
        if x.dtype == torch.bfloat16:
            return F.linear(x, weight, bias)
        out: Tensor = _RoundedLinear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return out
    with torch.autocast("cpu", enabled=False):
        return F.linear(x.float(), weight, bias).to(x.dtype)


def rounds_products(device: torch.device) -> bool:
    """Return whether float32 products are rounded to bfloat16 here: under autocast, on a CPU that can."""
    return device.type == "cpu" and torch.is_autocast_enabled("cpu") and _can_round()


def filled_up(rows: int) -> int:
    """Return the smallest number of rows, at least this many, that are rounded.

    A multiple of 16 below 128, then one of eight numbers between a power of two and the next.
    """
    step = max(_FEWEST, (1 << rows.bit_length()) // (2 * _STEPS))
    return -(-rows // step) * step


def _rounded(product: Callable[[], T]) -> T:
    """Compute products whose float32 operands are rounded to bfloat16; for use in one thread of a process."""
    settings: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # torch has not annotated it
    # Switches instead of torch's context managers, which would take a quarter of the time of a small product.
    precision, is_autocast = settings.fp32_precision, torch.is_autocast_enabled("cpu")
    try:
        torch.set_autocast_enabled("cpu", False)
        settings.fp32_precision = "bf16"
        return product()
    finally:
        settings.fp32_precision = precision
        torch.set_autocast_enabled("cpu", is_autocast)


@lru_cache(maxsize=1)
def _can_round() -> bool:
    """Return whether oneDNN can; without AMX, it computes in float32 instead."""
    settings = torch.backends.mkldnn
    if not settings.is_available() or not hasattr(settings, "matmul"):  # type: ignore[no-untyped-call]  # torch < 2.9
        return False
    ones = torch.full((64, 64), 1 + 2**-12, dtype=torch.float32, device="cpu")  # bfloat16 has 8 bits
    return bool((_rounded(lambda: ones @ ones) == 64).all())


class _RoundedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """(N, in), (out, in), (out,) -> (N, out)."""
        of_x, of_weight, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if of_weight else None, weight if of_x else None)
        return _rounded(partial(F.linear, x, weight, bias))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return _rounded(partial(_gradients, gradient, x, weight, ctx.needs_input_grad[2]))


def _gradients(gradient: Tensor, x: Tensor | None, weight: Tensor | None, of_bias: bool) -> tuple[Tensor | None, ...]:
    return (
        None if weight is None else gradient @ weight,
        None if x is None else gradient.T @ x,
        gradient.sum(0) if of_bias else None,
    )
