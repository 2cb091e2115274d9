"""The state of a study that progress displays show."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.console.state import StudyState
from search.driver.events import StudyStarted, TrialAdvanced, TrialEnded, TrialStarted


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


def test_trials_of_different_lengths_count_by_their_examples() -> None:
    """Four trials of 100, 900, 100 and 900 examples: the first is a twentieth of all, not a quarter."""
    shown = StudyState(expected_seconds=10.0, planned=(100, 900, 100, 900))
    shown(StudyStarted("s", 4, 0, (), 2, "", Path(), ("sst",)))
    assert shown.seconds_left == pytest.approx(10 * 20 / 2)  # by the measured speed, on two workers
    shown._begun -= 60.0
    shown(TrialEnded(0, "complete", 0.5, "", None, 60.0, Path(), examples=100))
    assert shown.seconds_left == pytest.approx(60 * 19, rel=0.01)
    shown(TrialStarted(1, {}, False, 0, 900))
    shown(TrialAdvanced(1, 500))
    assert shown.seconds_left == pytest.approx(60 / 600 * 1400, rel=0.01)


def test_what_is_left_of_a_resumed_study_of_different_lengths() -> None:
    shown = StudyState(expected_seconds=10.0, planned=(100, 900))
    shown(StudyStarted("s", 4, 1, (), 1, "", Path(), ("sst",)))
    assert shown.seconds_left == pytest.approx(10 * (900 + 2 * 500) / 100)  # of two trials only the mean is known


@pytest.mark.parametrize("is_of_this_run", [True, False])
def test_a_trial_that_continues_after_it_was_pruned_counts_once(is_of_this_run: bool) -> None:
    state = StudyState()
    state(StudyStarted("s", 6, 1 if is_of_this_run else 2, (), 1, "sqlite:///x", Path("runs/s"), ("sst",)))
    end = TrialEnded(1, "pruned", 0.5, "", None, 1.0, Path("runs/s/trial-0001"), 20)
    if is_of_this_run:
        state(TrialStarted(1, {}, False, 0, 100))
        state(end)
    assert state.done == 2
    for _ in range(2):
        state(TrialStarted(1, {}, True, 0, 100, revived=True))
        assert state.done == 1
        assert list(state.running) == [1]
        state(end)
        assert state.done == 2
    assert len(state.ended) == 1
