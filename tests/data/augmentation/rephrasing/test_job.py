"""Rephrasing jobs that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.reading import RawSplit
from tests.data.augmentation.rephrasing.jobs import FILMS, job


@pytest.mark.parametrize(
    ("train", "positions"),
    [
        (RawSplit(["0"], [("a",)], None, [], Path("x")), None),
        (FILMS, [0, 0]),
        (FILMS, [8]),
        (FILMS, [-1]),
    ],
)
def test_jobs_that_cannot_be(tmp_path: Path, train: RawSplit, positions: list[int] | None) -> None:
    with pytest.raises(ValueError, match=r"positions|labels"):
        job(tmp_path, train, positions)
