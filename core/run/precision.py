"""Choose the precision of matrix products."""

from __future__ import annotations

import warnings

import torch

from core.config import ComputeConfig
from data.errors import UserError

__all__ = ["autocast", "check_precision"]


def autocast(compute: ComputeConfig, device: torch.device) -> torch.autocast:
    """Return the context in which the model is run, for both training and scoring.

    Weights stay float32. With precision 'float32' the context changes nothing. Each use needs a context of its own.
    Within it, all matrix products of float32 tensors are bfloat16, and so are the gradients of their operands before
    they are added to those of float32 weights; on a CPU with AMX, :mod:`core.model.linear` and
    :mod:`core.model.bert` say what is bfloat16. Take the model's outputs as float32 (``.float()``) and compute losses
    without matrix products, or outside. A pass with gradients must come before one without: casts of weights are
    cached, and torch before 2.10 cached them without gradients too.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=compute.precision == "bfloat16")


def check_precision(compute: ComputeConfig, device: torch.device) -> None:
    """Check that the device supports the precision.

    Raises:
        UserError: if the device would emulate bfloat16, cannot compute it, or torch would silently use float32; or if
            a run has the precision 'auto', which is for studies: all of its trials have the one that is chosen.
    """
    if compute.precision == "auto":
        raise UserError("compute.precision = 'auto' is for studies; a single run needs 'float32' or 'bfloat16'")
    if compute.precision == "bfloat16" and not _has_bfloat16(device):
        raise UserError(
            f"compute.precision = 'bfloat16', but device '{device.type}' does not support bfloat16 here "
            f"(torch {torch.__version__}); use compute.precision = 'float32'"
        )


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        # Older ones emulate it, slower than float32.
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that it continues in float32, which is what we test for
        try:
            with torch.autocast(device.type, torch.bfloat16):
                ones = torch.ones(2, 2, device=device)
                return bool((ones @ ones).dtype == torch.bfloat16)
        except (RuntimeError, TypeError):  # MPS before macOS 14 lacks the type
            return False
