"""Study files are found by name or path."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from search.study.file import load_study
from search.study.lookup import check_study_name, find_study, list_studies, named_data_folder

MINIMAL = 'tasks = ["sst"]\ntrials = 2\n[space]\n"optim.learning_rate" = [1e-4, 1e-3]\n'


def write(folder: Path, name: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(MINIMAL)
    return path


def test_names_are_looked_up_among_ones_own_first(tmp_path: Path) -> None:
    own = write(tmp_path, "quickstart")
    mine = write(tmp_path, "mine")
    assert find_study("quickstart", tmp_path) == load_study("quickstart", studies_dir=tmp_path).source == own
    assert find_study(str(mine)) == find_study("mine", tmp_path) == mine
    assert load_study("mine", studies_dir=tmp_path).name == "mine"
    assert load_study("starter", studies_dir=tmp_path).name == find_study("starter", tmp_path).stem == "starter"
    assert set(list_studies(tmp_path)) >= {"quickstart", "mine", "starter"}


def test_unknown_studies_are_met_with_the_known_ones(tmp_path: Path) -> None:
    write(tmp_path, "mine")
    with pytest.raises(UserError) as caught:
        find_study("quikstart", tmp_path)
    said, known = str(caught.value).split(" Known: ")
    assert said == "no study 'quikstart'; did you mean 'quickstart'?"
    assert known.startswith(", ".join(sorted(list_studies(tmp_path))))
    assert {"mine", "quickstart"} < set(list_studies(tmp_path))
    with pytest.raises(UserError, match=r"^no/such.toml: no such study file; you are in '.+'$"):
        find_study("no/such.toml")
    bad = write(tmp_path, "my study")
    with pytest.raises(UserError, match=r"use letters, digits, '_', '-' and '.' only, got 'my study'$"):
        find_study(bad)


def test_a_name_that_an_option_gave(tmp_path: Path) -> None:
    (tmp_path / "runs" / "second").mkdir(parents=True)
    with pytest.raises(UserError, match=r"^no study file 'second'; .* give the file .*, and --name second$"):
        find_study("second", tmp_path, tmp_path / "runs")
    with pytest.raises(UserError, match=r"^no study 'second'"):
        find_study("second", tmp_path)


@pytest.mark.parametrize("name", ["cache", "Answers", "studies.db"])
def test_a_study_has_no_name_of_something_else_in_the_runs_folder(tmp_path: Path, name: str) -> None:
    """A cache may be deleted."""
    said = f"^a study cannot be called '{name}', because the runs folder has 'answers', 'cache', 'studies.db' for all"
    for refused in (
        lambda: find_study(write(tmp_path, name)),
        lambda: load_study(write(tmp_path, "mine"), name=name),
        lambda: check_study_name(name),
    ):
        with pytest.raises(UserError, match=said):
            refused()


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("trials = 2", Path("data")),
        ('[base.data]\ndirectory = "mine"', Path("mine")),
        ('[base.data]\ndirectory = "mine"\n[override.data]\ndirectory = "other"', Path("other")),
        ('preset = "cooking"\n[base.data]\ndirectory = "mine"', None),
        ('preset = "cooking"\n[override.data]\ndirectory = "other"', Path("other")),
        ("[synthetic]\nexamples = 5", None),
        ('[tasks.a.files]\ntrain = "hub:org/set/train.parquet"', None),
        ('[tasks.a.files]\ntrain = "a.csv"', Path("data")),
        ('tasks = ["a"]', Path("data")),
        ('tasks = ["a"]\ntask_files = ["a.toml"]', None),
        ("[base]\ndata = 5", None),
        ("[base.data]\ndirectory = 5", None),
        ("base = [", None),
    ],
)
def test_the_data_folder_is_found_before_the_rest_is_read(text: str, folder: Path | None, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    assert named_data_folder(tmp_path / "mine.toml") == folder
