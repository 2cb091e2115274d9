"""What is stored for the dashboard, and how little of the study is read for it."""

from pathlib import Path

import optuna
from optuna_dashboard import save_note
from optuna_dashboard._note import get_note

from core.run.evaluation import Evaluation
from search.driver.panels import save_trial_note, trial_note
from search.storage.open import open_storage
from search.trials.record import TrialResult

optuna.logging.set_verbosity(optuna.logging.WARNING)
POINTS = [Evaluation(rung, rung, 0, 0.5 + rung / 100, {"sst": 0.5 + rung / 100}, {}, {}, 1.0, 1.0) for rung in (10, 20)]


def test_a_trials_note_takes_the_place_of_a_longer_one_and_leaves_others_alone(tmp_path: Path) -> None:
    study = optuna.create_study(storage=open_storage(None, tmp_path))
    trial, other = study.ask(), study.ask()
    for one in (trial, other):
        save_note(one, "words " * 1000)  # three parts
    result = TrialResult.of(POINTS, "")
    save_trial_note(trial, result, POINTS)
    assert get_note(trial) == trial_note(result, POINTS)
    assert get_note(other) == "words " * 1000
