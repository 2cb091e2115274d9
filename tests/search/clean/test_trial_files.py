"""Files of ended trials: what goes and what stays."""

from __future__ import annotations

from pathlib import Path

import optuna

from search.clean.found_files import FilesBelow
from search.clean.trial_files import has_trials, is_half_written, stray_trial_files
from tests.search.clean.runs_folder import ALWAYS, Runs, gone, write


def test_the_best_models_and_an_open_trial_are_kept(runs: Runs) -> None:
    runs.study("s", "COMPLETE", "FAIL", "COMPLETE", "PRUNED", "RUNNING")
    assert runs.freed(keep=1) == gone(0, model=True) | gone(1, model=True) | gone(2, model=False) | gone(3, model=True)
    assert runs.freed(keep=0) == {"s/trial-0002/best/model.safetensors"}
    assert runs.freed(keep=0) == set()
    for number in range(5):
        assert all((runs.root / f"s/trial-{number:04d}" / file).exists() for file in ALWAYS)


def test_strays_are_the_trials_that_a_study_does_not_have(runs: Runs) -> None:
    folders = runs.study("s", "COMPLETE", "PRUNED")
    study, below = optuna.load_study(study_name="s", storage=runs.storage), FilesBelow(runs.root)
    stray = write(folders.run(7).checkpoint)
    write(folders.root / "trial-7" / "checkpoint.pt")  # not a name that a study gives
    (finding,) = stray_trial_files(study, folders.root, below)
    assert [file.path for file in finding.files] == [stray]
    unknown = {finding.what: finding.count for finding in stray_trial_files(None, folders.root, below)}
    assert unknown == {"checkpoints of ended trials": 3, "half-written files": 2, "models of unknown trials": 2}
    assert has_trials(folders.root, below)
    assert not has_trials(runs.root, below)


def test_names_of_half_written_files() -> None:
    names = ("checkpoint.pt.tmp", "p.tmp.npy", "checkpoint.pt", "tmp", "template.npy")
    assert [is_half_written(Path(name)) for name in names] == [True, True, False, False, False]
