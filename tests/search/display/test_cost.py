"""A run's cost as text."""

from __future__ import annotations

from dataclasses import replace

from search.display.cost import cost_text
from search.driver.panels import trial_note
from search.trials.record import TrialResult
from tests.search.report.evaluations import COST, POINT


def test_cost_in_words() -> None:
    words = "2,000 parameters, 2.5 % of them trained; 3,200 forward examples; peak memory 812 MiB"
    assert cost_text(COST) == words
    assert words in trial_note(TrialResult.of([POINT], ""), [POINT])
    assert "parameters" not in trial_note(TrialResult(), [replace(POINT, cost=None)])
