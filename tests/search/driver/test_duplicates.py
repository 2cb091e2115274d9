"""No configuration is trained twice: duplicates get the results of the original, in every command's view."""

import time
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_executor import InlineExecutor
from inline_study import TPE, InlineStudy, layers
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, create_trial
from stub_study import BASE, changed

from core.config import RunConfig
from data.errors import UserError
from search.console.progress import trial_line
from search.console.state import StudyState
from search.driver.events import TrialEnded, TrialStarted
from search.ensemble.members import CandidateTrials
from search.pruners.registry import PrunerChoice
from search.recorded.ranking import best_trial, ranked_trials
from search.recorded.trial_table import trial_table
from search.report.context import ReportContext
from search.report.sections.answer import answer_section
from search.report.sections.trials import trial_listing
from search.samplers.registry import SamplerChoice
from search.space.parsing import parse_space
from search.study.first_trials import FirstTrial
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord

SPACES = st.fixed_dictionaries(
    {"heads.sst.layers": st.integers(2, 3).map(lambda high: {"low": 1, "high": high})},
    optional={
        "sampler.alpha": st.just({"low": 0.0, "high": 1.0, "step": 0.5}),
        "heads.sst.pooling": st.just(["cls", "mean"]),
    },
)


@settings(max_examples=15)
@given(
    table=SPACES,
    sampler=st.sampled_from([SamplerChoice("random"), TPE, SamplerChoice("grid")]),
    pruner=st.sampled_from(["none", "halving"]),
    trials=st.integers(1, 10),
    workers=st.integers(1, 3),
    failing=st.frozensets(st.integers(0, 9), max_size=2),
    seed=st.integers(0, 99),
)
def test_every_configuration_is_trained_once(
    table: dict[str, Any],
    sampler: SamplerChoice,
    pruner: str,
    trials: int,
    workers: int,
    failing: frozenset[int],
    seed: int,
) -> None:
    space = parse_space(table, BASE)
    spec = changed(space=space, sampler=sampler, pruner=PrunerChoice(pruner), trials=trials, workers=workers, seed=seed)
    with TemporaryDirectory() as root:
        study = InlineStudy(Path(root), spec, workers=workers, failing=failing, rng=Random(seed)).run()
        trained = study.executor.trained.values()
        assert all(len(numbers - failing) <= 1 for numbers in trained)
        assert [trial.number for trial in study.trials] == list(range(trials))
        assert all(trial.state.is_finished() for trial in study.trials)
        ended = [event.number for event in study.events if isinstance(event, TrialEnded)]
        assert sorted(ended) == list(range(trials))
        for trial, record in zip(study.trials, study.records, strict=True):
            check(study, trial, record)
        # Nothing is copied as long as something else can be tried.
        if sampler.name != "grid" and trials <= 4 <= len(space.grid()) and workers == 1:
            assert len(set(study.digests())) == trials


def check(study: InlineStudy, trial: FrozenTrial, record: TrialRecord) -> None:
    submitted = any(record.number in numbers for numbers in study.executor.trained.values())
    assert submitted == (record.repeat_of is None)
    if record.repeat_of is None:
        return
    original = study.trials[record.repeat_of]
    assert original.state.name in ("COMPLETE", "PRUNED")
    assert record.repeat_of < trial.number
    assert study.records[original.number].config == record.config
    assert (trial.state, trial.value) == (original.state, original.value)
    assert trial.intermediate_values == original.intermediate_values


@pytest.fixture
def exhausted(tmp_path: Path) -> InlineStudy:
    """Run two configurations in six trials; the default is the worse one."""
    return InlineStudy(tmp_path, changed(space=layers(2), sampler=TPE, trials=6)).run()


def test_what_a_repeat_is_given(exhausted: InlineStudy) -> None:
    records, trials = exhausted.records, exhausted.trials
    originals = {digest: exhausted.digests().index(digest) for digest in exhausted.digests()}
    assert sorted(originals.values()) == [0, 1]
    for record, trial in list(zip(records, trials, strict=True))[2:]:
        first = originals[exhausted.digests()[record.number]]
        assert record.repeat_of == first
        assert record.result.reason == f"same as trial {first}"
        result = replace(record.result, examples=100, seconds=records[first].result.seconds, reason="")
        assert result == replace(records[first].result, cost=None)
        assert (trial.value, trial.intermediate_values) == (trials[first].value, trials[first].intermediate_values)
        assert exhausted.folders.run(record.number).read_metrics() == exhausted.folders.run(first).read_metrics()
    assert sum(record.result.examples for record in records) == 200  # what was really spent
    started = [event.number for event in exhausted.events if isinstance(event, TrialStarted)]
    assert started == [0, 1]


def test_how_a_repeat_is_reported(exhausted: InlineStudy) -> None:
    last = next(event for event in exhausted.events if isinstance(event, TrialEnded) and event.number == 5)
    assert last.repeat_of in (0, 1)
    assert last.best is not None
    assert last.value == last.best.overall
    assert trial_line(last).endswith(f"(same as trial {last.repeat_of})  0 s")


def test_the_report_counts_and_shows_it_once(exhausted: InlineStudy, tmp_path: Path) -> None:
    table = trial_table(exhausted.study)
    assert table["repeat_of"].isna().tolist() == [True, True] + [False] * 4
    assert table["examples"].sum() == 200
    words = [
        part
        for part in answer_section(ReportContext(exhausted.study, TrialFolders(tmp_path))).parts
        if isinstance(part, str)
    ]
    assert "the best of 2 trials that were trained to the end" in words[0]
    assert any("6 trials (2 trained to the end, 4 repeating an earlier one)" in line for line in words)
    shown = trial_listing(table)
    assert "repeat_of" not in shown
    assert sum(reason.startswith("same as trial") for reason in shown["reason"]) == 4


def test_the_display_takes_its_pace_from_what_was_trained(exhausted: InlineStudy) -> None:
    state = StudyState()
    for event in exhausted.events[:-1]:
        state(event)
    assert (state.done, state.seconds_left) == (6, 0.0)
    assert state.started is not None
    state.started = replace(state.started, trials=8)
    state._begun = time.monotonic() - 10
    assert state.seconds_left == pytest.approx(10 / 2 * 2, rel=0.1)


def test_an_ensemble_takes_each_run_once(exhausted: InlineStudy) -> None:
    library = CandidateTrials(exhausted.study, exhausted.folders, None, None, needs_models=False)
    assert library.scored == library.candidates() == [0, 1]
    with pytest.raises(UserError, match=r"^trial 5 is the same as trial \d: name that one$"):
        library.members([5])


def test_the_best_trial_is_not_a_repeat(exhausted: InlineStudy) -> None:
    best = best_trial(exhausted.study)
    assert best is not None
    assert best.number in (0, 1)
    assert [trial.number for trial in ranked_trials(exhausted.study)] in ([0, 1], [1, 0])


def test_repeats_take_no_model_s_place(tmp_path: Path) -> None:
    study = InlineStudy(tmp_path, changed(space=layers(2), sampler=TPE, trials=2, keep_models=2)).run()
    for number in (0, 1):
        study.folders.run(number).make()
        study.folders.run(number).best_model.touch()
    for trials in (6, 7):  # a driver begins with deleting
        study.spec = replace(study.spec, trials=trials)
        study.run()
    assert [study.folders.run(n).best_model.is_file() for n in range(6)] == [True, True] + [False] * 4


def test_a_pruned_trial_is_repeated_as_pruned(tmp_path: Path) -> None:
    good, bad = ({"heads.sst.layers": 1, "optim.learning_rate": rate} for rate in (9e-5, 1e-6))
    first = tuple(FirstTrial(f"first {index}", params) for index, params in enumerate((good, bad, bad)))
    study = InlineStudy(tmp_path, changed(pruner="halving", trials=3, first_trials=first)).run()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "PRUNED"]
    assert study.records[2].repeat_of == 1
    assert study.records[2].result.reason == f"same as trial 1: {study.records[1].result.reason}"


def test_a_failed_configuration_may_be_tried_again(tmp_path: Path) -> None:
    study = InlineStudy(tmp_path, changed(space=layers(2), sampler=TPE, trials=4), failing=frozenset({0})).run()
    assert study.trials[0].state.name == "FAIL"
    digest = study.digests()[0]
    assert study.executor.trained[digest] == {0, study.digests().index(digest, 1)}


class FirstFails(InlineExecutor):
    """Trains trial 0 only after the others have nothing left to do, and then fails it if it is to fail."""

    def events(self, timeout: float | None) -> Any:
        self.rng.choice = max  # type: ignore[method-assign]
        return super().events(timeout)


@pytest.mark.parametrize("fails", [False, True])
def test_a_repeat_of_a_running_trial_waits_for_it(tmp_path: Path, fails: bool) -> None:
    spec = changed(space=layers(2), trials=3, workers=3, sampler=SamplerChoice("random"))
    first = FirstTrial("first again", spec.first_trials[0].params)
    spec = replace(spec, first_trials=(*spec.first_trials, first, FirstTrial("first two", {"heads.sst.layers": 2})))
    study = InlineStudy(tmp_path, spec)
    study.executor = FirstFails(workers=3, failing=frozenset({0}) if fails else frozenset())
    study.run()
    ended = [event.number for event in study.events if isinstance(event, TrialEnded)]
    assert ended == ([2, 0, 1])
    assert [record.repeat_of for record in study.records] == [None, None if fails else 0, None]
    assert study.executor.trained[study.digests()[0]] == ({0, 1} if fails else {0})


def test_a_folder_may_be_missing(tmp_path: Path) -> None:
    study = InlineStudy(tmp_path, changed(space=layers(2), sampler=TPE, trials=2)).run()
    for number in (0, 1):
        for path in study.folders.path(number).glob("*"):
            path.unlink()
        study.folders.path(number).rmdir()
    study.spec = replace(study.spec, trials=3)
    study.run()
    assert study.trials[2].value == study.trials[study.records[2].repeat_of or 0].value


def test_constraints_are_copied(tmp_path: Path) -> None:
    study = InlineStudy(tmp_path, changed(space=layers(2), sampler=TPE, trials=1)).run()
    study.study.add_trial(
        create_trial(
            value=0.9,
            params={"heads.sst.layers": 2},
            distributions={"heads.sst.layers": IntDistribution(1, 2)},
            constraints={"floor": 0.25},
            user_attrs={"config": two_layers().canonical_json()},
        )
    )
    study.spec = replace(study.spec, trials=3, first_trials=(FirstTrial("first", {"heads.sst.layers": 2}),))
    study.run()
    assert study.records[2].repeat_of == 1
    assert study.trials[2].constraints == {"floor": 0.25}


def two_layers() -> RunConfig:
    heads = {"sst": BASE.heads["sst"].model_copy(update={"layers": 2})}
    return BASE.model_copy(update={"heads": heads})
