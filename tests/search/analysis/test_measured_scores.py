"""Test scores against their expectation, and predictions that match labels only in part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config import RunConfig
from core.statistics import Expectation
from data.errors import UserError
from search.analysis.measured_scores import MeasuredScore, score_predictions, verdict

EXPECTED = Expectation(dev=0.72, expected=0.70, low=0.66, high=0.73)
COLUMNS = {"sentences": ["text"], "label": "label"}
FILES = {"train": "t.csv", "dev": "d.csv"}
MOOD = {"name": "mood", "kind": "classify", "classes": ["sad", "happy"], "metric": "accuracy"}
CLOSE = {"name": "close", "kind": "score", "score_range": [0, 4], "metric": "mae"}
TASKS = RunConfig.model_validate(
    {"tasks": {str(one["name"]): {"spec": {**one, "files": FILES, "columns": COLUMNS}} for one in (MOOD, CLOSE)}}
).tasks


@pytest.mark.parametrize(
    ("score", "half_width", "words"),
    [
        (0.66, 0.01, "inside the interval"),
        (0.73, 0.01, "inside the interval"),
        (0.749, 0.03, "above the interval, by no more than chance in the test examples"),  # sqrt(.04^2 + .03^2) = .05
        (0.651, 0.03, "below the interval, by no more than chance in the test examples"),
        (0.751, 0.03, "above the interval"),
        (0.60, 0.03, "below the interval"),
    ],
)
def test_verdicts(score: float, half_width: float, words: str) -> None:
    assert verdict(MeasuredScore(score, half_width, 100), EXPECTED) == words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with predictions for both tasks and labels for mood."""
    rows = "".join(f"{number} , {'happy' if number % 2 else 'sad'} \n" for number in range(40))
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / "mood-test-output.csv").write_text("id \t Prediction \n" + rows)
    scores = "".join(f"{number} , {number % 4 + 0.5} \n" for number in range(40))
    (tmp_path / "predictions" / "close-test-output.csv").write_text("id \t Prediction \n" + scores)
    labels = "".join(f"{number},{'happy' if number % 2 or number < 8 else 'sad'}\n" for number in range(50))
    (tmp_path / "mood-labels.csv").write_text("id,label\n" + labels)
    return tmp_path


def test_examples_in_both_files_count(folder: Path) -> None:
    """4 of 40 predictions are wrong; the half width is 1.96 standard errors of a share of 0.9."""
    found = score_predictions(folder / "predictions", folder, TASKS)
    score = found.tasks["mood"]
    assert (score.score, score.examples) == (pytest.approx(0.9), 40)
    assert score.half_width == pytest.approx(1.96 * np.sqrt(0.9 * 0.1 / 40), rel=0.1)
    assert found.overall is None
    assert found.notes[0].startswith("mood: 10 ids (40, 41, 42, 43, 44 and 5 more) of ")
    assert found.notes[1].startswith("close: no labels in ")


def test_the_overall_score_has_both_tasks(folder: Path) -> None:
    (folder / "close.csv").write_text("id,label\n" + "".join(f"{number},{number % 4}\n" for number in range(40)))
    found = score_predictions(folder / "predictions", folder, TASKS)
    assert found.tasks["close"].score == pytest.approx(0.5)
    assert found.tasks["close"].half_width == pytest.approx(0.0, abs=1e-6)
    assert found.overall is not None
    assert found.overall.score == pytest.approx((0.9 + (1 - 0.5 / 4)) / 2)
    assert found.overall.examples == 80


def test_nothing_to_score(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mood: no predictions: there is no "):
        score_predictions(tmp_path / "none", folder, TASKS)
    (folder / "mood-labels.csv").write_text("id,label\nx1,sad\n")
    with pytest.raises(UserError, match=r"none of its ids \('x1', \.\.\.\) is in "):
        score_predictions(folder / "predictions", folder, TASKS)
