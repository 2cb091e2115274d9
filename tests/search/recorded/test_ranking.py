"""Which trial of a study is the best one, where a configuration was chosen by its mean over runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest

from core.statistics import replay_best_run
from search.analysis.checkpoints import ScoredCheckpoints, stored_checkpoints
from search.analysis.expected_score import estimate_best
from search.clean.found_files import FilesBelow
from search.clean.trial_files import trial_files
from search.recorded.ranking import WinnerByMean, best_trial, ranked_trials, recorded_choice
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord
from tests.search.made_study import SPECS, WEIGHTS, make_study

SCORES = [0.5, 0.9, 0.6, 0.7]


@pytest.fixture
def study() -> optuna.Study:
    """Record a study whose second configuration has the highest score; tests choose the first for its mean."""
    study = optuna.create_study(direction="maximize")
    for score in SCORES:
        study.tell(study.ask(), score)
    return study


def test_without_a_choice_the_highest_score_is_the_best(study: optuna.Study) -> None:
    assert recorded_choice(study) is None
    assert [trial.number for trial in ranked_trials(study)] == [1, 3, 2, 0]


def test_trials_of_the_choice_come_first(study: optuna.Study) -> None:
    choice = WinnerByMean("first", {"first": (0, 2), "second": (1, 3)})
    choice.record(study)
    assert recorded_choice(study) == choice
    assert [trial.number for trial in ranked_trials(study)] == [2, 0, 1, 3]
    best = best_trial(study)
    assert best is not None
    assert best.number == 2


def test_cleaning_keeps_the_models_of_the_choice(study: optuna.Study, tmp_path: Path) -> None:
    WinnerByMean("first", {"first": (0, 2), "second": (1, 3)}).record(study)
    folders = TrialFolders(tmp_path / "study")
    for number in range(4):
        folders.run(number).make()
        folders.run(number).best_model.write_text("weights")
    found = trial_files(study, folders.root, 2, FilesBelow(tmp_path))
    freed = {file.path.parents[1].name for finding in found for file in finding.files}
    assert freed == {"trial-0001", "trial-0003"}


def test_what_is_expected_of_the_best_run_of_the_choice(tmp_path: Path) -> None:
    """The choice of the configuration, then of its run, is repeated; the best of all runs is not taken at once."""
    made = make_study(tmp_path, [[0.3, 0.3], [0.28], [0.31, 0.29], [0.27]])
    by_number = [TrialRecord.read(trial) for trial in made.study.get_trials()]
    runs = {"a": (0, 1), "b": (2, 3)}
    for name, numbers in runs.items():
        WinnerByMean(name, runs).record(made.study)
        found, _ = estimate_best(made.study, made.folders)
        assert found is not None
        best = max((by_number[number] for number in numbers), key=lambda record: record.result.overall or 0.0)
        assert (found.trial, found.trials, found.checkpoints) == (best.number, 4, 6)
        assert found.scores.overall.dev == pytest.approx(best.result.overall)
    config = by_number[0].config
    assert config is not None
    checkpoints, _ = stored_checkpoints(range(4), made.folders, SPECS)
    scored = ScoredCheckpoints.of(checkpoints, config, SPECS)
    place = next(
        index
        for index, one in enumerate(checkpoints)
        if (one.trial, one.evaluation.rung) == (found.trial, best.result.best_rung)
    )
    wanted = replay_best_run(scored.bags, [[[0, 1], [2]], [[3, 4], [5]]], place, SPECS, WEIGHTS)
    assert found.scores.overall.expected == pytest.approx(wanted.overall.expected)
    assert np.isfinite(wanted.overall.expected)
