"""The report's section on an ensemble."""

from __future__ import annotations

from pathlib import Path

import optuna

from search.ensemble.outlook import outlook
from search.expected_words import interval_words
from search.report.context import ReportContext
from search.report.sections.ensemble import ensemble_section
from search.table import Table
from search.trial_folders import TrialFolders
from tests.search.made_study import make_study

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_it_says_what_the_outlook_says(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3], [0.28, 0.3], [0.3, 0.25]])
    found, _ = outlook(made.study, made.folders)
    section = ensemble_section(ReportContext(made.study, made.folders))
    assert found is not None
    assert section is not None
    words, *_ = section.parts
    scores, members = (part for part in section.parts if isinstance(part, Table))
    assert isinstance(words, str)
    assert f"{interval_words(found.scores.overall)} on new data" in words
    assert [row[0] for row in scores.rows] == ["overall", "sst", "sts"]
    assert scores.rows[1][2] == interval_words(found.scores.tasks["sst"])
    assert [int(row[0]) for row in members.rows] == list(found.shares)
    assert f"[{found.gain.overall.low:+.4f}, {found.gain.overall.high:+.4f}]" in words
    clear = found.gain.overall.low > 0.0
    assert ("better than trial" in words) == clear


def test_one_finished_trial_has_none(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3]])
    assert ensemble_section(ReportContext(made.study, made.folders)) is None


def test_lost_predictions_are_said(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.2, 0.3], [0.3, 0.4]])
    section = ensemble_section(ReportContext(made.study, TrialFolders(tmp_path / "elsewhere")))
    assert section is not None
    (line,) = section.parts
    assert isinstance(line, str)
    assert line.startswith("Not known: trial 1's dev predictions are gone")
