"""Names of studies that are not recorded are refused before Optuna is loaded, in the words of the later check."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from data.errors import UserError
from search.recorded.lookup import check_recorded
from search.recorded.ranking import open_study
from search.storage.open import open_storage


def refusal(check: object, name: str, folder: Path) -> str:
    assert callable(check)
    with pytest.raises(UserError) as refused:
        check(name, None, folder)
    return str(refused.value)


def test_both_checks_say_the_same(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    expected = f"--study tyni: no such study in sqlite:///{tmp_path}/studies.db; it has none yet: "
    assert refusal(check_recorded, "tyni", tmp_path).startswith(expected)
    for name in ("tiny", "other"):
        optuna.create_study(study_name=name, storage=storage)
    said = refusal(check_recorded, "tyni", tmp_path)
    assert said == refusal(open_study, "tyni", tmp_path)
    assert said.endswith("; it has other, tiny")
    check_recorded("tiny", None, tmp_path)


def test_what_cannot_be_known_passes(tmp_path: Path) -> None:
    check_recorded("tiny", "postgresql://user@host/name", tmp_path)
