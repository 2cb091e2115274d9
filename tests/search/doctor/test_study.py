"""A study against its record, and the data of a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from optuna.trial import create_trial
from stub_study import SPEC

from data.synthetic.corpus import write_corpus
from search.doctor.check import Check
from search.doctor.study import check_folder_of_data, check_study, check_study_data
from search.recorded.study import create_or_load
from search.storage.open import open_storage
from search.study.file import load_study


def test_a_study_that_was_recorded_with_other_settings(tiny_study: str, tmp_path: Path) -> None:
    file, url = tmp_path / "tiny.toml", f"sqlite:///{tmp_path}/s.db"

    def check(text: str) -> Check:
        file.write_text(text)
        (found,) = check_study(load_study(file), url, tmp_path)
        return found

    assert check(tiny_study).state == "ok"  # there is no storage
    study = create_or_load(load_study(file), open_storage(url, tmp_path))
    changed = tiny_study.replace("examples = 1600", "examples = 3200")
    assert check(changed).state == "ok"  # nothing came of it yet
    study.add_trial(create_trial(value=0.5))
    advice = "run it with --restart, which moves that one aside, or under another name: --name NEW"
    assert (check(changed).state, check(changed).advice) == ("wrong", advice)
    assert "base.budget.examples: was 1600, is now 3200" in check(changed).found
    assert check(tiny_study).state == "ok"


def test_a_folder_of_data_is_read_without_a_study(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", train=40, dev=10, test=5, seed=0)
    (tmp_path / "empty").mkdir()
    (data,) = check_folder_of_data(tmp_path / "corpus")
    assert data.found.startswith("sst 40 train, 10 dev, 5 test; para 40 train")
    (none,) = check_folder_of_data(tmp_path / "empty")
    assert none.state == "wrong"
    assert "ids-sst-train.csv" in none.found


def test_data_are_generated_when_the_study_begins(tiny_study: str, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(tiny_study)
    spec = load_study(tmp_path / "tiny.toml")
    (check,) = check_study_data(spec, tmp_path)
    assert (check.state, check.found) == ("ok", "will be generated when the study begins")
    write_corpus(tmp_path / "tiny" / "corpus", train=40, dev=10, test=5, seed=0)
    (check,) = check_study_data(spec, tmp_path)
    assert check.found.startswith("sst 40 train, 10 dev")


def test_notes_of_a_study_are_warnings(tmp_path: Path) -> None:
    checks = check_study(replace(SPEC, notes=("space: one value",)), None, tmp_path)
    assert [(check.state, check.found) for check in checks] == [
        ("warning", "space: one value"),
        ("ok", "stub.toml: up to 6 trials of 100 training examples"),
    ]
