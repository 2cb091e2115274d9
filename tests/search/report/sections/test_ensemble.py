"""The report's section on an ensemble."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from core.statistics import Expectation, Expectations
from search.analysis.expected_text import expectation_text
from search.display.table import Table
from search.ensemble.forecast import EnsembleForecast, forecast_ensemble
from search.report.context import ReportContext
from search.report.parts import Code, Note
from search.report.sections.ensemble import ensemble_section
from search.trials.folders import TrialFolders
from tests.search.made_study import make_study

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_it_says_what_the_outlook_says(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3], [0.28, 0.3], [0.3, 0.25]])
    found, _ = forecast_ensemble(made.study, made.folders)
    section = ensemble_section(ReportContext(made.study, made.folders))
    assert found is not None
    assert section is not None
    words, *_ = section.parts
    scores, members = (part for part in section.parts if isinstance(part, Table))
    assert isinstance(words, str)
    assert f"{expectation_text(found.scores.overall)} on new data" in words
    assert [row[0] for row in scores.rows] == ["overall", "sst", "sts"]
    assert scores.rows[1][2] == expectation_text(found.scores.tasks["sst"])
    assert [int(row[0]) for row in members.rows] == list(found.shares)
    assert words.endswith(f"better than trial {found.best} alone by {expectation_text(found.gain.overall)}.")
    assert not any("gone" in part.text for part in section.parts if isinstance(part, Note))


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.01, 0.0035, 0.001, 0.006), "better than trial 2 alone by 0.0035 [0.0010, 0.0060]."),
        ((0.01, -0.0035, -0.006, -0.001), "worse than trial 2 alone by 0.0035 [0.0010, 0.0060]."),
        ((0.01, 0.0035, -0.001, 0.008), "no clear difference from trial 2 alone (+0.0035 [-0.0010, +0.0080])."),
    ],
)
def test_a_gain_in_words_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gain: tuple[float, ...], words: str
) -> None:
    study, scores = optuna.create_study(study_name="mine"), Expectation(0.7, 0.68, 0.65, 0.71)
    for _ in range(3):
        study.add_trial(optuna.trial.create_trial(value=0.7))
    shares = {2: 0.5, 1: 0.3, 0: 0.2}
    found = EnsembleForecast(
        Expectations(scores, {}), Expectations(Expectation(*gain), {}), 2, shares, 3, 8, 30, (4, 6)
    )
    monkeypatch.setattr("search.report.sections.ensemble.forecast_ensemble", lambda *_: (found, ""))
    section = ensemble_section(ReportContext(study, TrialFolders(tmp_path), where=" --runs-dir there"))
    assert section is not None
    assert str(section.parts[0]).endswith(words)
    commands = [part.text for part in section.parts if isinstance(part, Code)]
    assert commands == ["python -m search.export --study mine --ensemble 10 --runs-dir there"] * (gain[1] > 0)
    (note,) = (part.text for part in section.parts if isinstance(part, Note))
    assert "from 3 of 8 finished trials on 20 resamples of the dev examples, and the selections are averaged. " in note
    assert "Not included, because their dev predictions are missing: trials 4, 6. The estimate repeats the " in note
    assert "the whole selection in 30 resamples." in note


def test_one_finished_trial_has_none(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3]])
    assert ensemble_section(ReportContext(made.study, made.folders)) is None


def test_lost_predictions_are_said(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3], [0.3, 0.4]])
    section = ensemble_section(ReportContext(made.study, TrialFolders(tmp_path / "elsewhere")))
    assert section is not None
    (line,) = section.parts
    assert isinstance(line, str)
    assert line.startswith("There is no estimate: trial 1's dev predictions are gone")
