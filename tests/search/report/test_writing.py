"""A report's files show one moment of a running study, and replace those of an earlier report."""

from __future__ import annotations

from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState, create_trial

from data.errors import UserError
from search.recorded.ranking import best_trial, snapshot
from search.recorded.trial_table import trial_table
from search.report.writing import write_report
from search.trials.folders import TrialFolders
from tests.search.reported import a_study

pytestmark = pytest.mark.filterwarnings("ignore:without the learning curves")


def go_on(study: optuna.Study) -> None:
    """End a trial that beats all others, and begin another one."""
    best = study.trials[-1]
    attrs = best.user_attrs | {"overall": 0.9, "scores": {"sst": 0.9}}
    study.add_trial(create_trial(value=0.9, user_attrs=attrs, intermediate_values={100: 0.9}))
    study.ask()


def test_a_report_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = a_study(0.5, 0.7, 0.6)
    quiet = write_report(study, TrialFolders(tmp_path / "none"), tmp_path / "quiet")

    def read_late(read: optuna.Study) -> pd.DataFrame:
        table = trial_table(read)
        go_on(study)
        return table

    monkeypatch.setattr("search.report.context.trial_table", read_late)
    busy = write_report(study, TrialFolders(tmp_path / "none"), tmp_path / "busy")
    assert len(study.trials) == 5
    assert [path.name for path in busy] == [path.name for path in quiet]
    for one, other in zip(busy, quiet, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_snapshot_has_what_the_study_had() -> None:
    study = a_study(0.5, 0.7, 0.6)
    study.enqueue_trial({})
    study.ask()
    study.enqueue_trial({})
    copy, trials, attrs = snapshot(study), study.get_trials(), study.user_attrs
    go_on(study)
    study.set_user_attr("later", 1)
    assert (copy.study_name, copy.directions, copy.user_attrs) == (study.study_name, study.directions, attrs)
    assert [trial.state for trial in copy.trials[3:]] == [TrialState.RUNNING, TrialState.WAITING]
    for ours, theirs in zip(copy.trials, trials, strict=True):
        known = [
            {name: value for name, value in vars(trial).items() if name != "_trial_id"} for trial in (ours, theirs)
        ]
        assert known[0] == known[1]
    best = best_trial(copy)
    assert best is not None
    assert best.number == 1


def test_a_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    """Of which it leaves no file behind; what is not a report's stays."""
    folders, out = TrialFolders(tmp_path / "none"), tmp_path / "report"
    assert out / "settings.csv" in write_report(a_study(0.5, 0.7, 0.6), folders, out)
    for name in ("errors-sst.csv", "errors-old task.csv", "finalists.csv", "ablation.csv", "comparison.csv"):
        (out / name).write_text("stale")
    mine = [out / name for name in ("notes.csv", "errors.csv", "my-trials.csv", "settings.txt", "report.pdf")]
    for path in mine:
        path.write_text("mine")
    written = write_report(a_study(0.7, 0.5, 0.6), folders, out)  # the default wins: no settings differ
    assert out / "settings.csv" not in written
    assert sorted(out.iterdir()) == sorted([*written, *mine])


@pytest.mark.parametrize("name", ["settings.csv", "errors-mine.csv", "report.md"])
def test_files_of_the_user_are_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(UserError, match=rf"has a file '{name}' of another origin, and no report; choose another"):
        write_report(a_study(0.5, 0.7), TrialFolders(tmp_path / "none"), tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "precious"}
