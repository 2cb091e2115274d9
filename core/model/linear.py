"""Linear maps of the encoder, which multiply bfloat16 activations under autocast on a CPU with AMX.

Elsewhere they are torch's own. oneDNN compiles code for every new number of rows, which takes milliseconds, so the
tokens of a batch are filled up to one of few numbers of rows. Products with other numbers are computed in float32.
Where only first tokens are computed, the batch decides: 16 rows are multiplied in bfloat16, 24 are not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Linear", "filled_up", "linear", "uses_bfloat16"]

_FEWEST: Final = 16  # rows of a product in bfloat16
_STEPS: Final = 8  # numbers of rows between a power of two and the next


class Linear(nn.Linear):
    """torch's linear layer, computed by :func:`linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b, (..., in) -> (..., out), in x's type; see the top of this file for the numbers of rows."""
    if not uses_bfloat16(x.device) or torch.float64 in (x.dtype, weight.dtype):
        return F.linear(x, weight, bias)
    if x.dtype == torch.bfloat16 and x.dim() == 2 and len(x) == filled_up(len(x)):
        return F.linear(x, weight, bias)  # autocast rounds the weight; once in its context, if the weight is trained
    with torch.autocast("cpu", enabled=False):
        return F.linear(x.float(), weight, bias).to(x.dtype)


def uses_bfloat16(device: torch.device) -> bool:
    """Return whether the encoder's activations are bfloat16: under autocast, on a CPU with AMX."""
    return device.type == "cpu" and torch.is_autocast_enabled("cpu") and _has_amx()


def filled_up(rows: int) -> int:
    """Return the smallest number of rows, at least this many, that are multiplied in bfloat16.

    A multiple of 16 below 128, then one of eight numbers between a power of two and the next.
    """
    step = max(_FEWEST, (1 << rows.bit_length()) // (2 * _STEPS))
    return -(-rows // step) * step


@lru_cache(maxsize=1)
def _has_amx() -> bool:
    """Return whether oneDNN multiplies bfloat16 by AMX here; a torch that cannot say so is left to autocast."""
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    has_onednn = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return has_onednn and bool(found.get("amx_bf16"))
