"""Describe how dev and test are taken out of a task's training file, or how it is divided into folds."""

from __future__ import annotations

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["DEFAULT_SHARE", "SPLIT_WORDS", "SplitRule"]

DEFAULT_SHARE: Final = 0.1
"""Share of the rows that dev gets where nothing else is said."""
SPLIT_WORDS: Final = {
    "train": ("train", "training"),
    "dev": ("dev", "development", "val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""What a column that names the splits may call them, in any case."""


class SplitRule(BaseModel):
    """Which rows of the training file are dev and test: shares of them, or those that a column names.

    Shares are drawn once, from the content of the file and the seed, so that every trial and every later start has the
    same rows; see :mod:`data.splitting.holdout`.

    Attributes:
        dev: share of the rows, above 0 and below 1; None: a tenth, if no dev file is given.
        test: share of the rows, from 0 to below 1.
        group: a column; rows with the same value stay in one split.
        seed: of the draw.
        column: a column that names the split of each row, by a word of :data:`SPLIT_WORDS`, instead of shares. Then
            test is taken too, unless ``test`` is set to 0.
        folds: divide what is not test into this many folds, each of which is dev once, instead of taking dev out; see
            :mod:`data.splitting.folds`. None: no folds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dev: float | None = Field(None, gt=0.0, lt=1.0)
    test: float = Field(0.0, ge=0.0, lt=1.0)
    group: str | None = None
    seed: int = Field(0, ge=0)
    column: str | None = None
    folds: int | None = Field(None, ge=2, le=100, exclude_if=lambda folds: folds is None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.column is not None and (self.dev is not None or self.test or self.group is not None):
            raise ValueError("column names the split of every row; remove dev, test and group")
        if self.folds is not None and (self.dev is not None or self.column is not None):
            given = "dev" if self.column is None else "column"
            raise ValueError(
                f"{given} cannot be combined with folds, in which every row is dev once; remove one of them"
            )
        if (taken := (self.dev or 0.0) + self.test) >= 1.0:
            raise ValueError(f"dev and test take {taken:g} of the rows, which leaves none to train on")
        return self
