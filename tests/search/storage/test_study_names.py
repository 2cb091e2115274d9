"""Names of studies, read without Optuna: those that Optuna lists; others are refused in the words of open_study."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from data.errors import UserError
from search.recorded.ranking import open_study
from search.storage.open import open_recorded, open_storage
from search.storage.study_names import check_recorded, nowhere, recorded_elsewhere, recorded_names


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


def test_a_file_that_is_not_a_storage_has_no_names(tmp_path: Path) -> None:
    (tmp_path / "studies.db").write_text("something else, long enough to be read as a header of a file" * 10)
    assert recorded_names(None, tmp_path) is None


def refusal(check: object, name: str, folder: Path) -> str:
    assert callable(check)
    with pytest.raises(UserError) as refused:
        check(name, None, folder)
    return str(refused.value)


def test_both_checks_say_the_same(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    expected = f"--study tyni: no study here: '{tmp_path}/studies.db' has none yet; you are in "
    assert refusal(check_recorded, "tyni", tmp_path).startswith(expected)
    assert refusal(open_study, "tyni", tmp_path).startswith(expected)
    for name in ("tiny", "other"):
        optuna.create_study(study_name=name, storage=storage)
    said = refusal(check_recorded, "tyni", tmp_path)
    assert said == refusal(open_study, "tyni", tmp_path)
    assert said.endswith("; it has other, tiny")
    check_recorded("tiny", None, tmp_path)


def test_a_wrong_folder_is_named_with_folders_that_have_studies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in (("runs", "above"), ("here/mine/runs", "below"), ("here/old one", "elsewhere")):
        (tmp_path / folder).mkdir(parents=True)
        optuna.create_study(study_name=name, storage=open_storage(None, tmp_path / folder))
    (tmp_path / "here" / ".hidden").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    runs = Path("runs")
    assert nowhere(None, runs) == (
        f"no study here: there is no 'runs/studies.db'; you are in '{tmp_path}/here'; studies under "
        "'../runs': above (cd ..); 'old one': elsewhere (--runs-dir 'old one'); 'mine/runs': below (cd mine)"
    )
    with pytest.raises(UserError, match=r"^no study here: there is no 'x\.db'; .*'\.\./runs': above"):
        open_recorded("sqlite:///x.db", runs)
    with pytest.raises(UserError, match=r"^--warm-start other: no study here: "):
        check_recorded("other", None, runs, "--warm-start")
    assert sorted(path.name for path in Path().iterdir()) == [".hidden", "mine", "old one"]


def test_a_storage_that_cannot_be_read_is_no_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "runs").mkdir(parents=True)
    optuna.create_study(study_name="tiny", storage=open_storage(None, tmp_path))
    monkeypatch.chdir(tmp_path / "here")
    assert recorded_elsewhere("tiny", Path("runs")) == (
        "a study 'tiny' is recorded in '..' (--runs-dir ..); this is a new one, in 'runs'"
    )
    (tmp_path / "here" / "runs" / "studies.db").write_text("something else, long enough to be read as a header" * 10)
    assert recorded_elsewhere("tiny", Path("runs")) is None


def test_what_cannot_be_known_passes(tmp_path: Path) -> None:
    check_recorded("tiny", "postgresql://user@host/name", tmp_path)
