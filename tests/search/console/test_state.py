"""The state of a study that progress displays show."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.console.state import StudyState
from search.driver.events import StudyStarted, TrialEnded


def test_the_display_knows_the_limit_that_comes_first() -> None:
    def state(trials: int | None, seconds: float | None, examples: int | None) -> StudyState:
        shown = StudyState(expected_seconds=100.0)
        shown(StudyStarted("s", trials, 0, (), 1, "", Path(), ("sst",), seconds_left=seconds, examples_left=examples))
        return shown

    assert state(None, None, None).seconds_left is None
    assert state(None, 3600.0, None).seconds_left == pytest.approx(3600, abs=1)
    assert state(4, 3600.0, None).seconds_left == pytest.approx(400)
    assert state(400, 3600.0, None).seconds_left == pytest.approx(3600, abs=1)
    by_examples = state(None, None, 1000)
    assert by_examples.seconds_left is None  # nothing is known of the pace yet
    by_examples._begun -= 60.0
    by_examples(TrialEnded(0, "complete", 0.5, "", None, 60.0, Path(), examples=250))
    assert by_examples.seconds_left == pytest.approx(180, rel=0.01)
