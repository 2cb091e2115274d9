"""What is printed of an export, and which trial is named for one without a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from memory_storage import MemoryStorage

from core.statistics import Expectation, Expectations
from data.errors import UserError
from search.analysis.expected_score import Estimate
from search.analysis.expected_text import expectation_text
from search.display.console import make_console
from search.export.terminal import _show, _show_places, export_and_show
from search.trials.folders import TrialFolders
from search.trials.record import REPEAT_OF
from tests.search.planted import BASE
from tests.search.reported import a_study

EXPECTED = Expectation(0.5, 0.45, 0.4, 0.48)
ESTIMATE = Estimate(3, Expectations(EXPECTED, dict.fromkeys(BASE.tasks, EXPECTED)), 4, 9, 100)
PROVENANCE: dict[str, Any] = {
    "study": "mine",
    "trial": 3,
    "dev": {"overall": 0.5, "sst": 0.25, "para": 0.625, "sts": 0.75},
}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["/somewhere/search/export/__main__.py"])


@pytest.mark.parametrize("estimate", [None, ESTIMATE])
def test_the_scores_with_what_is_expected(
    estimate: Estimate | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _show(tmp_path, BASE, PROVENANCE, estimate, ["a line"])
    shown = capsys.readouterr().out
    assert "study mine, trial 3: scores on dev" in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert "0.2500" in rows["sst"]
    assert "0.5000" in rows["overall"]
    assert ("expected on new data" in shown) == (estimate is not None)
    assert (expectation_text(EXPECTED) in rows["overall"]) == (estimate is not None)
    assert "a line" in shown


@pytest.mark.parametrize("limit", [None, 10])
def test_two_dev_scores_of_a_trial_are_explained(
    limit: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = {**BASE.tasks, "sst": BASE.tasks["sst"].model_copy(update={"dev_limit": limit})}
    _show(tmp_path, BASE.model_copy(update={"tasks": tasks}), PROVENANCE, ESTIMATE, ["a line"])
    said = "In the search, trials were scored on a part of it (dev_limit of sst), and what is expected is"
    assert (said in capsys.readouterr().out) == (limit is not None)


def test_a_command_for_a_folder_with_a_blank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _show_places(make_console(), [], tmp_path / "my runs", "sst")
    assert f"--model-dir '{tmp_path / 'my runs' / 'model'}' --task sst" in capsys.readouterr().out


def test_where_the_files_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _show_places(make_console(), ["first", "second"], tmp_path, "sst")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "first",
        "second",
        f"predictions: {tmp_path / 'predictions'}",
        f"model:       {tmp_path / 'model'}",
    ]
    assert lines[4].startswith("new text:    ")
    assert lines[4].endswith(f"predict --model-dir {tmp_path / 'model'} --task sst < sentences.txt")


def test_a_card_of_the_user_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "README.md").write_text("mine")
    _show_places(make_console(), [], tmp_path, "sst")
    assert "README.md is yours and was kept; it may describe an earlier model." in capsys.readouterr().out


def test_folders_for_other_libraries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats = {"written": {"sst": "transformers"}, "refused": ["Task sts is not written."]}
    _show(tmp_path, BASE, {**PROVENANCE, "formats": formats}, None, ["a line"])
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("a line")
    assert lines[first + 1] == "Task sts is not written."
    assert lines[first + 4] == f"for transformers: {tmp_path / 'model' / 'sst'}"


def test_a_repeat_names_the_trial_that_has_the_model(tmp_path: Path) -> None:
    study, folders = a_study(0.5, 0.7), TrialFolders(tmp_path / "mine")
    repeat = study.trials[0]
    repeat.user_attrs[REPEAT_OF] = 0
    study.add_trial(repeat)
    for number in range(3):
        folders.run(number).make()

    def refusal(number: int | None) -> str:
        with pytest.raises(UserError) as refused:
            export_and_show(study, folders, number, tmp_path / "out", None, None, MemoryStorage())
        assert not (tmp_path / "out").exists()
        return str(refused.value)

    assert "trial-0001" in refusal(None)  # the best one
    assert "a repeat" not in refusal(None)
    assert refusal(2).endswith("; this trial is a repeat of trial 0: export that one")
