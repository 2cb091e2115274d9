"""One run of a trial on a machine that shares no folder with the driver, next to other runs of the trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from search.executors.distant_run import DistantRun
from search.storage.runs_url import copy_of
from search.trials.folders import TrialFolders
from search.trials.remote_study import study_folder
from search.trials.url_store import UrlStore


def test_a_run_that_wakes_up_after_the_trial_has_ended_changes_nothing(
    runs_url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    assert machine is not None
    root = study_folder(copy_of(runs_url), "stub")
    folders = TrialFolders(root)
    folders.path(0).mkdir(parents=True)
    (folders.path(0) / "config.json").write_text("{}")
    assert folders.remote is not None
    assert folders.url_for_runs(0, is_new=True) == f"{runs_url}/stub"

    def work(run: DistantRun, rungs: int) -> None:
        (run.folder / "metrics.jsonl").write_text("".join(f"{rung}\n" for rung in range(rungs)))
        (run.folder / "checkpoint.pt").write_text(str(rungs))
        (run.folder / "best").mkdir(exist_ok=True)
        (run.folder / "best" / "model.safetensors").write_text(str(rungs))
        run.save()

    stalled, successor = (DistantRun(f"{runs_url}/stub", 0, tmp_path / f"scratch-{one}") for one in "ab")
    stalled.begin()
    assert [path.name for path in stalled.folder.iterdir()] == ["config.json"]
    work(stalled, 1)
    successor.begin()
    assert (successor.folder / "checkpoint.pt").read_text() == "1"
    work(successor, 2)
    work(successor, 2)
    folders.receive(0)
    assert (folders.path(0) / "metrics.jsonl").read_text() == "0\n1\n"
    assert not (folders.path(0) / "checkpoint.pt").exists()
    folders.tidy(0, keep_model=True, keep_checkpoint=True)
    assert (folders.path(0) / "checkpoint.pt").read_text() == "2"
    assert (folders.path(0) / "best" / "model.safetensors").read_text() == "2"

    work(stalled, 1)
    machine("second")  # a new driver, on another disk
    folders = TrialFolders(study_folder(copy_of(runs_url), "stub"))
    folders.tidy(0, keep_model=True, keep_checkpoint=True)
    assert (folders.path(0) / "metrics.jsonl").read_text() == "0\n1\n"
    work(stalled, 1)
    revived = DistantRun(f"{runs_url}/stub", 0, tmp_path / "scratch-c")
    revived.begin()
    assert (revived.folder / "checkpoint.pt").read_text() == "2"
    folders.tidy(0, keep_model=False)
    machine("third")
    folders = TrialFolders(study_folder(copy_of(runs_url), "stub"))
    assert sorted(path.name for path in folders.path(0).glob("[!.]*")) == ["config.json", "metrics.jsonl"]
    for run in (stalled, successor, revived):
        run.close()
        assert not run.folder.exists()


def test_a_run_of_an_earlier_study_of_the_same_name_is_left_alone(two_trials: str, tmp_path: Path) -> None:
    old = DistantRun(f"{two_trials}/stub", 0, tmp_path / "scratch")
    old.begin()
    folders = TrialFolders(copy_of(two_trials) / "stub")
    folders.delete(0)
    folders.path(0).mkdir(parents=True)
    (folders.path(0) / "config.json").write_text("new")
    folders.url_for_runs(0, is_new=True)
    (old.folder / "checkpoint.pt").write_text("old")
    old.save()
    old.save()
    new = DistantRun(f"{two_trials}/stub", 0, tmp_path / "scratch")
    new.begin()
    assert [path.name for path in new.folder.glob("[!.]*")] == ["config.json"]
    folders.receive(0)
    folders.tidy(0, keep_model=True, keep_checkpoint=True)
    assert [path.name for path in folders.path(0).glob("[!.]*")] == ["config.json"]
    assert UrlStore(f"{two_trials}/stub").below("running") == []
    old.close()
    new.close()


def test_a_pruned_trial_whose_driver_was_killed_can_still_be_revived(
    two_trials: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    """Its checkpoint is with its run, because the driver has recorded the end, and not yet fetched it."""
    run = DistantRun(f"{two_trials}/stub", 0, tmp_path / "scratch")
    run.begin()
    (run.folder / "checkpoint.pt").write_text("1")
    run.save()
    run.close()
    machine("second")
    folders = TrialFolders(study_folder(copy_of(two_trials), "stub"))
    assert (folders.has_checkpoint(0), folders.has_checkpoint(1)) == (True, False)
    folders.tidy(0, keep_model=True, keep_checkpoint=True)
    assert folders.run(0).has_checkpoint
