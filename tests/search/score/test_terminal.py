"""What is known of predictions besides their files, and the table of their scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from core.config import TaskConfig
from core.statistics import Expectation
from data.errors import UserError
from data.task_files import builtin_tasks
from search.analysis.expected_text import expectation_text
from search.analysis.measured_scores import MeasuredScore, MeasuredScores
from search.score.terminal import _builtin_tasks, _described_tasks, _read_expected, _score_table, _show, read_provenance

SST = MeasuredScore(0.5, 0.03, 1200)
FOUND = MeasuredScores({"sst": SST, "sts": MeasuredScore(0.8, 0.01, 60)}, MeasuredScore(0.7, 0.02, 1260), ("a note",))
EXPECTED = {"sst": Expectation(0.52, 0.50, 0.45, 0.55), "overall": Expectation(0.74, 0.72, 0.71, 0.73)}


def test_the_record_is_next_to_the_predictions_or_above_them(tmp_path: Path) -> None:
    folder = tmp_path / "predictions"
    folder.mkdir()
    assert read_provenance(folder) == {}
    (tmp_path / "ensemble.json").write_text('{"study": "of several"}')
    assert read_provenance(folder) == {"study": "of several"}
    (folder / "provenance.json").write_text('{"study": "of one"}')
    assert read_provenance(folder) == {"study": "of one"}


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_bytes(b"\xff{")
    with pytest.raises(UserError, match=r"provenance\.json: cannot be read: "):
        read_provenance(tmp_path)


def test_expectations_are_told_from_other_numbers_of_the_estimate() -> None:
    stored = {
        "sst": {"dev": 0.52, "expected": 0.5, "low": 0.45, "high": 0.55},
        "selected_from": {"trials": 4, "checkpoints": 9},
        "resamples": 1000,
    }
    assert _read_expected(stored) == {"sst": EXPECTED["sst"]}


def test_tasks_come_from_the_record_or_from_names_of_files(tmp_path: Path) -> None:
    sst = TaskConfig(spec=builtin_tasks()["sst"], score_weight=3.0)
    assert _described_tasks(tmp_path, {"tasks": {"sst": sst.model_dump(mode="json")}}) == {"sst": sst}
    assert _described_tasks(tmp_path, {}) == {}
    with pytest.raises(UserError, match="its provenance does not describe the tasks: ") as refused:
        _described_tasks(tmp_path, {"tasks": {"sst": {"spec": 3}}})
    assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="the tasks of these predictions are not recorded; pass --study"):
        _builtin_tasks(tmp_path)
    (tmp_path / "sts-test-output.csv").touch()
    assert _builtin_tasks(tmp_path) == {"sts": TaskConfig(spec=builtin_tasks()["sts"])}


def test_the_table_has_expectations_where_there_are_any(tmp_path: Path) -> None:
    table = _score_table(tmp_path, FOUND, {})
    assert table.headings == ("", "examples", "on test")
    assert table.rows[0] == ("sst", "1,200", "0.5000 ± 0.0300")
    assert [row[0] for row in table.rows] == ["sst", "sts", "overall"]
    table = _score_table(tmp_path, FOUND, EXPECTED)
    assert table.headings == ("", "examples", "on test", "on dev", "expected", "")
    assert table.rows[0][3:] == ("0.5200", expectation_text(EXPECTED["sst"]), "inside the interval")
    assert table.rows[1][3:] == ("", "", "")


@pytest.mark.parametrize(
    ("found", "expected", "unknown", "lines"),
    [
        (FOUND, {}, "", ["a note"]),
        (MeasuredScores({"sst": SST}, None, ()), EXPECTED, "", ["no overall score: not all tasks have labels"]),
        (FOUND, EXPECTED, "", ["a note", "Overall on test 0.7000, on dev 0.7400, expected 0.7200"]),
        (FOUND, {}, "its folder is gone", ["a note", "by how much cannot be estimated: its folder is gone."]),
    ],
)
def test_lines_below_the_table(
    found: MeasuredScores, expected: dict[str, Expectation], unknown: str, lines: list[str], tmp_path: Path
) -> None:
    console = Console(width=200, record=True, force_terminal=False)
    _show(console, tmp_path, found, expected, unknown)
    shown = console.export_text().rstrip().splitlines()[-len(lines) :]
    for line, words in zip(shown, lines, strict=True):
        assert words in line
