"""Survey: what can be freed in all studies and the cache, and what is left alone."""

from __future__ import annotations

import optuna
import pytest

from data.errors import UserError
from search.clean.survey import Cleaning
from search.storage.file_lease import file_lease
from search.trials.folder_owner import FolderOwner, write_owner
from tests.search.clean.runs_folder import MLM, Runs, gone, write


@pytest.mark.parametrize(("recorded", "kept"), [(None, 3), (1, 1), (4, 4)])
def test_the_study_says_how_many_models_to_keep(runs: Runs, recorded: int | None, kept: int) -> None:
    folders = runs.study("s", *["COMPLETE"] * 5)
    if recorded is not None:
        optuna.load_study(study_name="s", storage=runs.storage).set_user_attr("keep_models", recorded)
    runs.freed()
    assert {n for n in range(5) if folders.run(n).best_model.exists()} == set(range(5 - kept, 5))


def test_a_single_study(runs: Runs) -> None:
    runs.study("s", "PRUNED")
    runs.study("other", "PRUNED")
    runs.entry("tokens", "sst-dev-0a")
    assert runs.freed(study="s") == gone(0, model=True)
    with pytest.raises(UserError, match="--study none: no such study"):
        Cleaning(runs.root, runs.address, study="none").survey()


def test_a_running_study_and_the_cache_are_left_alone(runs: Runs) -> None:
    runs.study("s", "PRUNED")
    busy = runs.study("busy", "PRUNED")
    runs.entry("tokens", "sst-dev-0a")
    with file_lease(busy.root, "busy"):
        survey = Cleaning(runs.root, runs.address).survey()
        assert "study 'busy' is already being run by process" in survey.notes[0]
        assert "cache is left alone" in survey.notes[-1]
        assert runs.freed() == gone(0, model=True)
        with pytest.raises(UserError, match="'busy' is already being run"):
            Cleaning(runs.root, runs.address, study="busy").survey()


def test_models_of_another_study_of_the_same_name_are_orphans(runs: Runs) -> None:
    """This study's scores do not say which of them to keep."""
    folders = runs.study("s", *["COMPLETE"] * 5)
    write_owner(folders.root, FolderOwner("another"))
    assert runs.freed() == set()
    (note,) = Cleaning(runs.root, runs.address).survey().notes
    assert "has trials that are not in this storage" in note
    assert all(folders.run(number).best_model.exists() for number in range(5))


def test_trials_of_another_storage_are_orphans(runs: Runs) -> None:
    folders = runs.study("s", "PRUNED")
    write(folders.run(7).best_model)  # of an earlier study of this name
    write(runs.root / "strange" / "trial-0000" / "checkpoint.pt")
    write(runs.root / "strange" / "trial-0000" / "metrics.jsonl")
    runs.stage("a", MLM)
    runs.entry("tokens", "sst-dev-0a")
    survey = Cleaning(runs.root, runs.address).survey()
    assert [("strange" in note, "--orphans" in note) for note in survey.notes] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    freed = runs.freed()
    assert freed == gone(0, model=True) | {
        f"cache/tokens/sst-dev-0a/{file}" for file in ("manifest.json", "facts.json", "labels.npy")
    }
    orphans = {"s/trial-0007/best/model.safetensors", "strange/trial-0000/checkpoint.pt"}
    assert orphans < runs.freed(orphans=True)
    assert (runs.root / "strange" / "trial-0000" / "metrics.jsonl").exists()


def test_files_that_become_needed_before_the_answer_are_kept(runs: Runs) -> None:
    folders = runs.study("s", "COMPLETE", "COMPLETE")
    entry = runs.entry("tokens", "sst-dev-0a")
    cleaning = Cleaning(runs.root, runs.address, keep=1)
    shown = cleaning.survey()
    assert entry / "manifest.json" in {file.path for finding in shown.findings for file in finding.files}
    study = optuna.load_study(study_name="s", storage=runs.storage)
    runs.add(study, 2, "RUNNING")
    write(folders.run(3).best_model)
    runs.add(study, 9, "COMPLETE")  # now the best
    cleaning.free(shown)
    assert (entry / "manifest.json").exists()
    assert folders.run(3).best_model.exists()
    assert folders.run(1).best_model.exists()  # no longer one of the best, but that was not shown
    assert not folders.run(0).best_model.exists()
