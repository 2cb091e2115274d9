"""Which examples are to be rephrased by a language model, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.augmentation.rephrasing.settings import RephrasingSettings
from data.reading import RawSplit

__all__ = ["RephrasingJob"]


@dataclass(frozen=True)
class RephrasingJob:
    """Which examples are rephrased, how, and where the answers are kept.

    Attributes:
        train: the training split.
        settings: how.
        cache_folder: of the answers; jobs may share it.
        positions: of the examples in the split, int64; None for all. A part of the examples asks what the whole would.
    """

    train: RawSplit
    settings: RephrasingSettings
    cache_folder: Path
    positions: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.train.labels is None:
            raise ValueError("the split has no labels that a rephrasing could keep")
        chosen = self.chosen
        if len(set(chosen)) < len(chosen) or (chosen and not 0 <= min(chosen) <= max(chosen) < len(self.train)):
            raise ValueError(f"positions must differ and lie within 0 to {len(self.train) - 1}")

    @property
    def chosen(self) -> list[int]:
        """The positions of the examples."""
        return list(range(len(self.train))) if self.positions is None else [int(number) for number in self.positions]
