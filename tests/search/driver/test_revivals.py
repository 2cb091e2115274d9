"""Pruned trials that turn out to be among the best of their rung continue, from their checkpoints."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_study import InlineStudy
from stub_study import StubStudy, changed

from search.console.state import StudyState
from search.driver.budget import Budget
from search.driver.events import Event, TrialEnded, TrialEvaluated, TrialStarted
from search.pruners.registry import MOST_REVIVABLE, PrunerChoice
from search.samplers.registry import SamplerChoice
from search.trials.floors import Floor, is_feasible
from search.trials.record import TrialRecord

HALVING = PrunerChoice("halving", {"revive": True, "reduction_factor": 2.0})
SPEC = changed(pruner=HALVING, sampler=SamplerChoice("random"), trials=10, seed=8)


def revived(events: list[Event]) -> list[int]:
    return [event.number for event in events if isinstance(event, TrialStarted) and event.revived]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> StubStudy:
    study = StubStudy(tmp_path_factory.mktemp("undisturbed"), SPEC)
    assert study.run().finished
    return study


def test_a_revived_trial_is_trained_from_its_checkpoint_as_if_it_had_not_been_pruned(undisturbed: StubStudy) -> None:
    numbers = revived(undisturbed.events)
    assert len(set(numbers)) >= 2
    whole = StubStudy(undisturbed.root / "whole", replace(SPEC, pruner=PrunerChoice("none")))
    whole.run()
    for trial, unpruned in zip(undisturbed.trials, whole.trials, strict=True):
        assert trial.params == unpruned.params
        for rung, score in trial.intermediate_values.items():
            assert score == unpruned.intermediate_values[rung]
        if trial.number in numbers:
            first, *later = undisturbed.starts(trial.number)
            assert first["examples"] == 0
            assert [start["examples"] in SPEC.base.rungs for start in later] == [True] * numbers.count(trial.number)


def test_a_revived_trial_is_recorded_once(undisturbed: StubStudy) -> None:
    assert [trial.number for trial in undisturbed.trials] == list(range(10))
    for trial in undisturbed.trials:
        folder = undisturbed.folder / f"trial-{trial.number:04d}"
        result, last = TrialRecord.read(trial).result, max(trial.intermediate_values)
        assert (result.examples, result.seconds) == (last, last / 100)
        assert len((folder / "metrics.jsonl").read_text().splitlines()) == len(trial.intermediate_values)
        if trial.state.name == "PRUNED":
            assert trial.value == trial.intermediate_values[last]
            assert result.reason == f"pruned at {last} examples"
        else:
            assert (trial.value, result.reason) == (max(trial.intermediate_values.values()), "")


def test_a_revived_trial_that_completes_keeps_no_checkpoint_while_the_study_goes_on(tmp_path: Path) -> None:
    halving = PrunerChoice("halving", {"revive": True, "reduction_factor": 1.5})
    study = StubStudy(tmp_path, replace(SPEC, pruner=halving, trials=20))
    continued, completed = set[int](), list[bool]()

    def look(event: Event) -> None:
        if isinstance(event, TrialStarted) and event.revived:
            continued.add(event.number)
        if isinstance(event, TrialEnded) and event.state == "complete" and event.number in continued:
            completed.append((study.folder / f"trial-{event.number:04d}" / "checkpoint.pt").exists())

    study.run(look)
    assert completed
    assert not any(completed)


def test_what_is_left_of_a_finished_study(undisturbed: StubStudy) -> None:
    assert not list(undisturbed.folder.glob("trial-*/checkpoint*"))
    complete = sorted((t for t in undisturbed.trials if t.state.name == "COMPLETE"), key=lambda trial: -trial.value)
    kept = {path.parents[1].name for path in undisturbed.folder.glob("trial-*/best/model.safetensors")}
    assert kept == {f"trial-{trial.number:04d}" for trial in complete[: SPEC.keep_models]}


def test_a_study_that_is_interrupted_during_a_revival_equals_an_uninterrupted_one(
    tmp_path: Path, undisturbed: StubStudy
) -> None:
    study, started, interrupts = StubStudy(tmp_path, SPEC), set[int](), 0

    def interrupt(event: Event) -> None:
        """Interrupt the first two revivals, each at its first evaluation."""
        nonlocal interrupts
        if isinstance(event, TrialStarted) and event.revived:
            started.add(event.number)
        if isinstance(event, TrialEvaluated) and event.number in started and interrupts < 2:
            started.discard(event.number)
            interrupts += 1
            os.kill(os.getpid(), signal.SIGINT)

    runs = 0
    while not study.run(interrupt).finished:
        runs += 1
        assert len(list(study.folder.glob("trial-*/checkpoint.pt"))) <= MOST_REVIVABLE + 1
    assert runs == 2
    assert study.outcome() == undisturbed.outcome()


@settings(max_examples=8)
@given(
    seed=st.integers(0, 99),
    factor=st.sampled_from([None, 2.0, 3.0]),
    workers=st.integers(1, 3),
    failing=st.frozensets(st.integers(1, 9), max_size=2),
)
def test_counts_hold_at_every_event(
    tmp_path_factory: pytest.TempPathFactory, seed: int, factor: float | None, workers: int, failing: frozenset[int]
) -> None:
    """No rung is trained twice, and neither the budget nor the display counts a trial twice."""
    choice = PrunerChoice("halving", {"revive": True, "reduction_factor": factor})
    spec = replace(SPEC, pruner=choice, seed=seed, workers=workers, trials=10)
    study = InlineStudy(tmp_path_factory.mktemp("s"), spec, workers=workers, failing=failing, rng=Random(seed))
    state = StudyState()
    study.events = Observed(state)
    study.run()
    assert state.done == 10
    assert not state.running
    assert sorted({event.number for event in study.events if isinstance(event, TrialEnded)}) == list(range(10))
    budget = Budget(spec, study.study)
    assert budget.ended == 10
    assert budget.examples == sum(record.result.examples for record in study.records)
    ends = [event for event in study.events if isinstance(event, TrialEnded)]
    assert len(ends) == 10 + len(revived(study.events))
    best = max((t for t in study.trials if t.state.name == "COMPLETE"), key=lambda trial: trial.value, default=None)
    assert (None if state.best is None else state.best.number) == (None if best is None else best.number)


class Observed(list[Any]):
    """Events, each of which is passed to an observer when it is appended."""

    def __init__(self, observer: Any) -> None:
        super().__init__()
        self._observer = observer

    def append(self, event: Any) -> None:
        super().append(event)
        self._observer(event)


def test_a_floor_that_was_not_judged_when_a_trial_was_pruned_is_judged_in_the_end(tmp_path: Path) -> None:
    """It begins at the last rung, and nobody meets it."""
    floors = (Floor("sst", 1.0, SPEC.base.budget.examples),)
    halving = PrunerChoice("halving", {"revive": True, "reduction_factor": 1.5})
    study = InlineStudy(tmp_path, replace(SPEC, floors=floors, pruner=halving, trials=20), rng=Random(8))
    study.run()
    continued = [trial for trial in study.trials if trial.number in revived(study.events)]
    assert "COMPLETE" in {trial.state.name for trial in continued}
    for trial in study.trials:
        assert is_feasible(trial) == (trial.state.name == "PRUNED")


def test_no_checkpoint_no_revival(tmp_path: Path) -> None:
    """A user who frees the disk between two runs of a study loses no more than that."""
    study = StubStudy(tmp_path, SPEC)

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialEnded) and event.number == 4:
            os.kill(os.getpid(), signal.SIGINT)

    assert not study.run(interrupt).finished
    for checkpoint in study.folder.glob("trial-*/checkpoint.pt"):
        checkpoint.unlink()
    study.events.clear()
    assert study.run().finished
    assert all(number > 3 for number in revived(study.events))
