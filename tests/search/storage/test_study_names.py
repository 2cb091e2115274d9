"""Names of studies, read without Optuna: the same as Optuna lists."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from search.storage.open import open_storage
from search.storage.study_names import recorded_names


@pytest.mark.parametrize("address", [None, "sqlite:///{}/own file.db"])
def test_the_names_are_those_that_optuna_lists(address: str | None, tmp_path: Path) -> None:
    url = None if address is None else address.format(tmp_path)
    storage = open_storage(url, tmp_path)
    assert recorded_names(url, tmp_path) == []
    for name in ("tiny", "Ä study's name", "another"):
        optuna.create_study(study_name=name, storage=storage)
    assert recorded_names(url, tmp_path) == sorted(optuna.get_all_study_names(storage))


def test_what_is_missing_is_not_created(tmp_path: Path) -> None:
    assert recorded_names(None, tmp_path / "nowhere") == []
    assert recorded_names(f"sqlite:///{tmp_path}/none.db", tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["postgresql://user@host/name", "sqlite://", "sqlite:///:memory:", "sqlite:///x.db?mode=ro", "sqlite:////no/x"],
)
def test_only_opening_other_storages_tells(url: str, tmp_path: Path) -> None:
    assert recorded_names(url, tmp_path) is None


def test_a_file_that_is_no_storage_is_left_to_those_who_open_it(tmp_path: Path) -> None:
    (tmp_path / "studies.db").write_text("something else, long enough to be read as a header of a file" * 10)
    assert recorded_names(None, tmp_path) is None
