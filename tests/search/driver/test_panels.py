"""Which notes and figures are stored for the dashboard, and how little of the study is read for it."""

import json
from pathlib import Path

import optuna
import pytest
from inline_executor import evaluation
from memory_storage import MemoryStorage
from optuna.trial import TrialState, create_trial
from optuna_dashboard import save_note
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects
from optuna_dashboard._note import get_note
from stub_study import BASE

from core.run.evaluation import Evaluation
from search.analysis.expected_score import estimate_best
from search.analysis.expected_text import estimate_sentence
from search.driver.panels import CURVES, LivePanels, save_trial_note, trial_note
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import TrialResult
from tests.search.made_study import make_study

optuna.logging.set_verbosity(optuna.logging.WARNING)
POINTS = [Evaluation(rung, rung, 0, 0.5 + rung / 100, {"sst": 0.5 + rung / 100}, {}, {}, 1.0, 1.0) for rung in (10, 20)]


def test_curves_of_the_best_and_the_last_trials_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize")
    read, drawn = list[int](), list[set[int]]()

    class Folder:
        def __init__(self, number: int) -> None:
            self.number = number

        def read_metrics(self) -> list[Evaluation]:
            read.append(self.number)
            return [evaluation(BASE, 20)]

    monkeypatch.setattr(TrialFolders, "run", lambda _, number: Folder(number))
    monkeypatch.setattr("search.driver.panels.save_curves", lambda _, curves: drawn.append(set(curves)))
    for number in range(300):
        study.add_trial(create_trial(state=TrialState.COMPLETE, value=-float(number)))
    study.ask()
    live = LivePanels(study, TrialFolders(tmp_path))
    live.draw_curves()
    assert drawn == [set(range(CURVES)) | set(range(300 - CURVES, 300))]
    read.clear()
    study.tell(300, 1.0)
    live.draw_curves()
    assert read == [300]  # the others are known
    assert drawn[-1] == set(range(CURVES - 1)) | set(range(301 - CURVES, 301))


def panels(study: optuna.Study) -> dict[str, str]:
    """Return figures that are stored for the dashboard, as JSON."""
    return get_plotly_graph_objects(study._storage.get_study_system_attrs(study._study_id))


def test_what_the_best_trial_will_score_is_drawn_as_it_is_estimated(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3], [0.3, 0.4], [0.3, 0.25]])
    LivePanels(made.study, made.folders).draw_expected()
    estimate, _ = estimate_best(made.study, made.folders)
    assert estimate is not None
    drawn = json.loads(panels(made.study)["expected"])
    dev, expected = drawn["data"]
    assert dev["x"] == expected["x"] == ["overall", "sst", "sts"]
    assert dev["y"] == pytest.approx([one.dev for one in estimate.rows.values()], abs=1e-4)
    assert expected["y"] == pytest.approx([one.expected for one in estimate.rows.values()], abs=1e-4)
    assert estimate_sentence(estimate) in drawn["layout"]["title"]["text"]


def test_without_predictions_nothing_is_drawn(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3], [0.3, 0.4]])
    LivePanels(made.study, TrialFolders(tmp_path / "elsewhere")).draw_expected()
    assert not panels(made.study)


def test_a_trials_note_replaces_a_longer_one_and_keeps_others(tmp_path: Path) -> None:
    study = optuna.create_study(storage=open_storage(None, tmp_path))
    trial, other = study.ask(), study.ask()
    for one in (trial, other):
        save_note(one, "words " * 1000)  # three parts
    result = TrialResult.of(POINTS, "")
    save_trial_note(trial, result, POINTS)
    assert get_note(trial) == trial_note(result, POINTS)
    assert get_note(other) == "words " * 1000
