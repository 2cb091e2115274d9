"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Float sums depend on the thread count, and the tests share the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def course_data() -> Path:
    """Folder with the real course data: $MULTITASK_DATA, or shared/data beside the checkout; skips where neither is."""
    folder = Path(os.environ.get("MULTITASK_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "ids-sst-train.csv").is_file():
        pytest.skip("the course data is not here; set MULTITASK_DATA to its folder")
    return folder
