"""Describe which examples a language model rephrases, and how."""

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
    """A rephrasing job: the examples, the settings, and the folder of the answers.

    Attributes:
        train: the training split.
        settings: how to rephrase.
        cache_folder: folder of the answers; jobs may share it.
        positions: positions of the examples in the split, int64; None for all. The requests of an example do not depend
            on which others are chosen.
    """

    train: RawSplit
    settings: RephrasingSettings
    cache_folder: Path
    positions: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.train.labels is None:
            raise ValueError("the split must have labels, which rephrased examples keep")
        chosen = self.chosen
        if len(set(chosen)) < len(chosen) or (chosen and not 0 <= min(chosen) <= max(chosen) < len(self.train)):
            raise ValueError(f"positions must be distinct and within 0 to {len(self.train) - 1}")

    @property
    def chosen(self) -> list[int]:
        """Return the positions of the examples."""
        return list(range(len(self.train))) if self.positions is None else [int(number) for number in self.positions]
