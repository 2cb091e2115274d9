"""What is on disk after each end of a trial."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_storage import MemoryStorage
from optuna.trial import TrialState
from stub_study import BASE, StubStudy, changed

from core.run.evaluation import Evaluation
from search.driver.running_trial import RunningTrial
from search.driver.trial_end import TrialRecorder
from search.trials.folders import TrialFolders

ENDS = st.lists(
    st.tuples(st.sampled_from(["COMPLETE", "COMPLETE", "PRUNED", "FAIL"]), st.sampled_from([0.1, 0.2, 0.3, 0.4])),
    max_size=9,
)


def begin(study: optuna.Study, folders: TrialFolders, score: float) -> RunningTrial:
    trial = study.ask()
    folder = folders.begin(trial.number, BASE)
    (folder / "best").mkdir()
    for name in ("checkpoint.pt", "best/model.safetensors"):
        (folder / name).touch()
    running = RunningTrial(trial, optuna.samplers.RandomSampler(seed=0), BASE, folder)
    running.judge(Evaluation(20, 20, 5, score, {"sst": score}, {}, {}, 1.0, 20.0))
    return running


def left(folders: TrialFolders, name: str) -> set[int]:
    return {int(path.relative_to(folders.root).parts[0][6:]) for path in folders.root.rglob(name)}


@settings(max_examples=30)
@given(ends=ENDS, keep=st.integers(1, 3), restart=st.integers(0, 9))
def test_the_best_models_alone_stay(ends: list[tuple[str, float]], keep: int, restart: int) -> None:
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize", pruner=optuna.pruners.NopPruner())
    with tempfile.TemporaryDirectory() as root:
        folders = TrialFolders(Path(root))
        recorder = TrialRecorder(study, folders, keep)
        recorder.tidy()
        complete: list[tuple[float, int]] = []
        for number, (state, score) in enumerate(ends):
            if number == restart:  # another driver, which knows only what is recorded
                recorder = TrialRecorder(study, folders, keep)
                recorder.tidy()
            recorder.end(begin(study, folders, score), TrialState[state], "")
            complete += [(-score, number)] * (state == "COMPLETE")
            assert left(folders, "model.safetensors") == {number for _, number in sorted(complete)[:keep]}
            assert not left(folders, "checkpoint.pt")


def test_what_a_killed_driver_left_goes_at_the_start(tmp_path: Path) -> None:
    study, folders = optuna.create_study(storage=MemoryStorage(), direction="maximize"), TrialFolders(tmp_path)
    running = [begin(study, folders, score) for score in (0.3, 0.1, 0.2, 0.4)]
    for each, state, score in zip(running, ("COMPLETE", "COMPLETE", "PRUNED"), (0.3, 0.1, None), strict=False):
        study.tell(each.trial, score, state=TrialState[state])
    assert left(folders, "checkpoint.pt") == {0, 1, 2, 3}
    TrialRecorder(study, folders, keep_models=1).tidy()
    assert left(folders, "checkpoint.pt") == {3}  # continues from it
    assert left(folders, "model.safetensors") == {0, 3}


def test_an_end_costs_the_same_in_a_large_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, folders = optuna.create_study(storage=MemoryStorage(), direction="maximize"), TrialFolders(tmp_path)
    frozen = optuna.trial.create_trial(value=0.5)
    study.add_trials([frozen] * 500)
    recorder = TrialRecorder(study, folders, keep_models=3)
    recorder.tidy()
    touched: list[int] = []
    monkeypatch.setattr(TrialFolders, "tidy", lambda _, number, **__: touched.append(number))
    recorder.end(begin(study, folders, 0.9), TrialState.COMPLETE, "")
    assert sorted(touched) == [2, 500]  # the last of the best three, and the trial itself
    touched.clear()
    recorder.end(begin(study, folders, 0.9), TrialState.PRUNED, "")
    assert touched == [501]


def test_the_study_says_how_many_models_it_keeps(tmp_path: Path) -> None:
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize")
    for number in (3, 2):
        TrialRecorder(study, TrialFolders(tmp_path), number).tidy()
        assert study.user_attrs["keep_models"] == number


def test_a_whole_study_leaves_no_more_than_it_keeps(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(pruner="halving", trials=7))
    study.script(trials={"trial-0000": "diverge"})
    study.run()
    states: dict[str, Any] = {trial.number: trial.state.name for trial in study.trials}
    assert {"COMPLETE", "PRUNED", "FAIL"} == set(states.values())
    best = sorted((t for t in study.trials if t.state.name == "COMPLETE"), key=lambda t: (-t.value, t.number))
    folders = TrialFolders(study.folder)
    assert left(folders, "model.safetensors") == {trial.number for trial in best[: study.spec.keep_models]}
    assert not left(folders, "checkpoint.pt")
    assert left(folders, "metrics.jsonl") == set(range(7))
