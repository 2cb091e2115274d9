"""How values are written."""

from __future__ import annotations

from dataclasses import replace

from search.display.values import cost_text, duration, first_few
from search.driver.panels import trial_note
from search.trials.record import TrialResult
from tests.search.report.evaluations import COST, POINT


def test_durations_have_the_unit_that_reads_best() -> None:
    assert [duration(s) for s in (3, 89, 600, 5400, 36_000)] == ["3 s", "89 s", "10 min", "1.5 h", "10.0 h"]


def test_cost_in_words() -> None:
    words = "2,000 parameters, 2.5 % of them trained; 3,200 forward examples; peak memory 812 MiB"
    assert cost_text(COST) == words
    assert words in trial_note(TrialResult.of([POINT], ""), [POINT])
    assert "parameters" not in trial_note(TrialResult(), [replace(POINT, cost=None)])


def test_only_the_first_few_names_are_listed() -> None:
    assert first_few([2, 3, 5], 3) == "2, 3, 5"
    assert first_few(["2", "3", "5", "7"], 2) == "2, 3 and 2 more"
    assert first_few([], 2) == ""
