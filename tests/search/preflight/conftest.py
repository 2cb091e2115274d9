"""Fixtures of the checks before a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.search.preflight.augmented_studies import Studies


@pytest.fixture
def studies(tmp_path: Path) -> Studies:
    return Studies(tmp_path)
