"""What is stored for the dashboard, and how little of the study is read for it."""

from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState, create_trial
from optuna_dashboard import save_note
from optuna_dashboard._note import get_note

from core.evaluation import Evaluation
from search.conclusions import CURVES, Conclusions
from search.dashboard_panels import save_trial_note, trial_note
from search.storage import open_storage
from search.trial_folders import TrialFolders
from search.trial_record import TrialResult

optuna.logging.set_verbosity(optuna.logging.WARNING)
POINTS = [Evaluation(rung, rung, 0, 0.5 + rung / 100, {"sst": 0.5 + rung / 100}, {}, {}, 1.0, 1.0) for rung in (10, 20)]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_trials_note_takes_the_place_of_a_longer_one_and_leaves_others_alone(tmp_path: Path, kind: str) -> None:
    storage: BaseStorage = InMemoryStorage() if kind == "memory" else open_storage(None, tmp_path)
    study = optuna.create_study(storage=storage)
    trial, other = study.ask(), study.ask()
    for one in (trial, other):
        save_note(one, "words " * 1000)  # three parts
    result = TrialResult.of(POINTS, "")
    save_trial_note(trial, result, POINTS)
    assert get_note(trial) == trial_note(result, POINTS)
    assert get_note(other) == "words " * 1000


def test_curves_of_the_best_and_the_last_trials_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, read, drawn = optuna.create_study(direction="maximize"), list[int](), list[set[int]]()

    class Folder:
        def __init__(self, number: int) -> None:
            self.number = number

        def read_metrics(self) -> list[Evaluation]:
            read.append(self.number)
            return POINTS

    monkeypatch.setattr(TrialFolders, "run", lambda _, number: Folder(number))
    monkeypatch.setattr("search.conclusions.save_curves", lambda _, curves: drawn.append(set(curves)))
    for number in range(300):
        study.add_trial(create_trial(state=TrialState.COMPLETE, value=-float(number)))
    study.ask()
    conclusions = Conclusions(study, TrialFolders(tmp_path), keep_models=1)
    conclusions.draw_curves()
    assert drawn == [set(range(CURVES)) | set(range(300 - CURVES, 300))]
    read.clear()
    study.tell(300, 1.0)
    conclusions.draw_curves()
    assert read == [300]  # the others are known
    assert drawn[-1] == set(range(CURVES - 1)) | set(range(301 - CURVES, 301))
