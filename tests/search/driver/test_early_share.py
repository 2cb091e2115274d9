"""A study whose early rungs score a part of dev, down to its export: a part selects no weights and enters no estimate."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from core.run.evaluation import Evaluation
from data.errors import UserError
from search.analysis.expected_score import estimate_best
from search.analysis.trial_difference import OneTrial, trial_difference
from search.ensemble.forecast import forecast_ensemble
from search.ensemble.members import CandidateTrials
from search.recorded.ranking import load_recorded
from search.report.writing import write_report
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

Run = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """
tasks = ["sst", "sts"]
trials = 8
sampler = "random"

[synthetic]
train = 120
dev = 80
test = 20

[base.model]
encoder = "scratch"
max_length = 32
[base.model.scratch]
vocab_size = 300
hidden_size = 16
layers = 1
attention_heads = 2
intermediate_size = 32
[base.budget]
examples = 128
batch_size = 16
[base.eval]
rungs = [32, 64, 128]
early_share = 0.25
[base.compute]
device = "cpu"
threads = 1

[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-1, log = true }
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, run_command: Run) -> Path:
    folder = tmp_path_factory.mktemp("early")
    (folder / "early.toml").write_text(STUDY)
    done = run_command("search.run", "--study", folder / "early.toml", "--runs-dir", folder / "runs")
    assert done.returncode == 0, done.stderr
    assert "dev scored at 32, 64, 128 (0.25 of it before the last); " in done.stdout
    return folder / "runs"


@pytest.fixture(scope="module")
def study(runs: Path) -> optuna.Study:
    return load_recorded("early", open_storage(f"sqlite:///{runs}/studies.db"), "--study")


@pytest.fixture
def folders(runs: Path) -> TrialFolders:
    return TrialFolders(runs / "early")


def ended(study: optuna.Study, state: TrialState) -> list[FrozenTrial]:
    found = study.get_trials(states=[state])
    assert found
    return found


def test_scores_and_weights_are_those_of_the_last_rung(study: optuna.Study, folders: TrialFolders) -> None:
    for trial in ended(study, TrialState.COMPLETE):
        last: Evaluation = folders.curve(trial.number)[-1]
        result = FinishedTrial.read(trial).result
        assert (trial.value, result.best_rung, result.scores) == (last.overall, 128, last.scores)
        assert [len(np.load(folders.run(trial.number).predictions("sst", rung))) for rung in (32, 64, 128)] == [
            20,
            20,
            80,
        ]
    for trial in ended(study, TrialState.PRUNED):
        assert FinishedTrial.read(trial).dev_share == 0.25
        assert not folders.run(trial.number).best_model.exists()


def test_estimates_and_ensembles_select_from_last_rungs(study: optuna.Study, folders: TrialFolders) -> None:
    complete = [trial.number for trial in ended(study, TrialState.COMPLETE)]
    estimate, why = estimate_best(study, folders)
    assert estimate is not None, why
    assert (estimate.trials, estimate.checkpoints, estimate.gone) == (len(complete), len(complete), ())
    assert CandidateTrials(study, folders, None, None, needs_models=False).candidates() == complete
    forecast, why = forecast_ensemble(study, folders)
    assert forecast is not None, why
    assert forecast.trials == len(complete)


def test_a_pruned_trial_has_nothing_to_compare(study: optuna.Study, folders: TrialFolders) -> None:
    pruned, best = ended(study, TrialState.PRUNED)[0], ended(study, TrialState.COMPLETE)[0]
    a, b = (OneTrial(f"early:{one.number}", FinishedTrial.read(one), folders) for one in (pruned, best))
    with pytest.raises(
        UserError, match=rf"^trial {pruned.number} was pruned at \d+ examples, where eval.early_share = "
    ):
        trial_difference(a, b)
    with pytest.raises(UserError, match=rf"^trial {pruned.number} has no scores on all of dev: it cannot be a member"):
        CandidateTrials(study, folders, None, None, needs_models=False).members([pruned.number])


def test_the_report_does_not_judge_overfitting(study: optuna.Study, folders: TrialFolders, tmp_path: Path) -> None:
    _, words, *_ = write_report(study, folders, tmp_path)
    text = words.read_text()
    assert "Earlier rungs scored 0.25 of these examples (eval.early_share), too few to say" in text


def test_a_resumed_study_and_an_export(runs: Path, run_command: Run) -> None:
    done = run_command("search.export", "--study", "early", "--runs-dir", runs)
    assert done.returncode == 0, done.stderr
    assert "expected on new data" in done.stdout
