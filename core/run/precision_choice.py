"""Hold the precision of a study's trials where it was left to a measurement. It does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PrecisionChoice"]


@dataclass(frozen=True)
class PrecisionChoice:
    """The precision that ``compute.precision = "auto"`` stands for in a study.

    Attributes:
        precision: of matrix products.
        reason: why, a phrase.
    """

    precision: Literal["float32", "bfloat16"]
    reason: str

    def describe(self) -> str:
        """Say what was chosen, and why, in a few words."""
        return f"{self.precision} ({self.reason})"
