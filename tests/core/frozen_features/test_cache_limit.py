"""The space for kept features: a quarter of what is free, or as the user says."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from core.frozen_features.cache_limit import LIMIT_VARIABLE, CacheLimit


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a disk with 700 free bytes, whatever is written."""
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(700))
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)


def test_a_quarter_of_the_space_that_is_free_without_the_features(tmp_path: Path) -> None:
    assert CacheLimit(tmp_path / "features" / "none yet").room == 175
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.rows").write_bytes(bytes(100))
    assert CacheLimit(tmp_path).room == (700 + 100) // 4 - 100
    (tmp_path / "a" / "y.rows").write_bytes(bytes(300))
    assert CacheLimit(tmp_path).room == 0  # other programs have filled the disk since


@pytest.mark.parametrize(
    ("text", "room"), [("1", 2**30), ("0", 0), ("0.5", 2**29), ("-1", 0), ("much", 175), ("inf", 175)]
)
def test_the_users_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, room: int) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    assert CacheLimit(tmp_path).room == room


def test_space_is_taken_until_it_is_used_up(tmp_path: Path) -> None:
    limit, other = CacheLimit(tmp_path, 100), CacheLimit(tmp_path, 100)
    assert limit.take(60)
    assert limit.take(40)
    (tmp_path / "x.rows").write_bytes(bytes(100))
    assert not limit.take(1)
    (tmp_path / "x.rows").unlink()
    assert not limit.take(1)  # a run that has found the space used up does not look again
    assert not other.take(101)
