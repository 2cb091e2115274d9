"""What the best trial will score on new data: by replaying the selection plainly, and where files are gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.statistics import overall_score, own_metric
from search.analysis.checkpoints import bags_of
from search.analysis.expected_score import Estimate, estimate_best, estimate_trial
from search.analysis.expected_text import (
    estimate_sentence,
    estimate_sentences,
    gone_sentence,
)
from search.trials.folders import TrialFolders
from tests.search.made_study import SIZE, SPECS, TASKS, WEIGHTS, MadeStudy, make_study

SKILLS = [[0.1, 0.2], [0.15, 0.2, 0.2], [0.2], [0.0]]


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path, SKILLS)


def found(made: MadeStudy, **options: Path) -> Estimate:
    estimate, reason = estimate_best(made.study, made.folders, **options)
    assert estimate is not None, reason
    return estimate


def score(made: MadeStudy, predictions: dict[str, np.ndarray], rows: dict[str, np.ndarray]) -> dict[str, float]:
    scores = {t: own_metric(SPECS[t], predictions[t][rows[t]], made.gold[t][rows[t]]) for t in TASKS}
    return {**scores, "overall": overall_score(scores, SPECS, WEIGHTS)}


def test_the_selection_is_repeated_in_every_resample(made: MadeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rung after rung and trial after trial, with the plain metrics."""
    monkeypatch.setattr("search.analysis.checkpoints.RESAMPLES", 60)
    estimate = found(made)
    bags = {task: bags_of(task, made.gold[task], 60) for task in TASKS}
    everything = {task: np.arange(SIZE) for task in TASKS}
    runs = {
        (trial, 100 * rung): made.predictions(trial, 100 * rung)
        for trial, of_trial in enumerate(SKILLS)
        for rung in range(1, len(of_trial) + 1)
    }
    selected, outside = [], []
    for b in range(60):
        inside = {task: bag.rows(b) for task, bag in bags.items()}
        left_out = {task: np.setdiff1d(everything[task], rows) for task, rows in inside.items()}
        selected.append(max(runs, key=lambda run: score(made, runs[run], inside)["overall"]))
        outside.append({run: score(made, one, left_out) for run, one in runs.items()})
    assert len(set(selected)) > 3  # nobody is clearly the best
    best = made.study.best_trial
    winner = (best.number, best.user_attrs["best_rung"])
    for name, expectation in estimate.rows.items():
        summands = [
            score(made, runs[s], everything)[name] + outside[b][s][name] - np.mean([o[s][name] for o in outside])
            for b, s in enumerate(selected)
        ]
        assert expectation.dev == pytest.approx(score(made, runs[winner], everything)[name])
        assert expectation.expected == pytest.approx(np.mean(summands))
    assert list(estimate.rows) == ["overall", *TASKS]
    assert (estimate.trial, estimate.trials, estimate.checkpoints, estimate.resamples) == (best.number, 4, 7, 60)
    assert estimate.scores.overall.optimism > 0
    assert made.study.best_value == pytest.approx(estimate.scores.overall.dev)


def test_trials_without_their_predictions_are_named(made: MadeStudy) -> None:
    loser = 3
    assert loser != made.study.best_trial.number
    made.folders.run(loser).predictions("sts", 100).unlink()
    estimate = found(made)
    assert estimate.gone == (loser,)
    assert estimate.trials == 3
    assert gone_sentence(estimate.gone) == "Not included, because their dev predictions are missing: trial 3."


def test_without_the_winners_predictions_there_is_no_estimate(made: MadeStudy) -> None:
    winner = made.study.best_trial.number
    made.folders.run(winner).predictions("sst", 100).unlink()
    estimate, reason = estimate_best(made.study, made.folders)
    assert estimate is None
    assert reason == f"trial {winner}'s dev predictions are gone (--runs-dir says where to look)"
    assert estimate_sentences(None, reason) == [
        f"The best dev score is optimistic, but by how much cannot be estimated: {reason}."
    ]
    assert estimate_best(made.study, TrialFolders(made.data))[1] == reason


def test_files_that_cannot_be_read(made: MadeStudy) -> None:
    path = made.folders.run(0).predictions("sst", 100)
    path.write_bytes(path.read_bytes()[:-50])
    assert f"{path}: the file is damaged or was changed" in estimate_best(made.study, made.folders)[1]
    made.folders.run(0).checksums.path.unlink()
    assert "with trial 0's dev predictions cannot be read" in estimate_best(made.study, made.folders)[1]
    np.save(path, np.eye(5, dtype=np.float32))
    assert "has 80 examples to be scored on, and trial 0 predicted 5" in estimate_best(made.study, made.folders)[1]


def test_metrics_that_were_cut_short(made: MadeStudy) -> None:
    winner = made.study.best_trial.number
    metrics = made.folders.run(3).metrics
    metrics.write_text(metrics.read_text()[:-20])
    assert found(made).gone == (3,)
    run = made.folders.run(winner)
    best = made.study.best_trial.user_attrs["best_rung"]
    run.write_metrics([e for e in run.read_metrics() if e.rung != best])
    reason = estimate_best(made.study, made.folders)[1]
    assert reason in (
        f"trial {winner} no longer has its best rung, {best}, in metrics.jsonl",
        f"trial {winner}'s dev predictions are gone (--runs-dir says where to look)",
    )


def test_other_labels(made: MadeStudy, tmp_path: Path) -> None:
    (dev,) = made.data.glob("ids-sst-dev.csv")
    moved = tmp_path / "moved"
    made.data.rename(moved)
    assert "(--data says where the files are now)" in estimate_best(made.study, made.folders)[1]
    assert found(made, directory=moved).trials == 4
    lines = (moved / dev.name).read_text().splitlines()
    (moved / dev.name).write_text("\n".join([lines[0], *lines[:0:-1]]))
    assert (
        "the dev file of sst or trial 0's stored predictions have changed; they no longer give its accuracy of"
        in (estimate_best(made.study, made.folders, moved)[1])
    )


def test_a_part_of_dev(tmp_path: Path) -> None:
    assert found(make_study(tmp_path / "a", SKILLS, dev_limit=40)).trials == 4
    few = make_study(tmp_path / "b", SKILLS, dev_limit=8)
    assert "scored on 8 dev examples of sst" in estimate_best(few.study, few.folders)[1]


def test_one_trial(tmp_path: Path) -> None:
    """With one rung there was nothing to choose; with more, a checkpoint was."""
    one = found(make_study(tmp_path / "a", [[0.2]]))
    assert one.scores.overall.expected == pytest.approx(one.scores.overall.dev)
    assert estimate_sentence(one).endswith("]. Nothing was selected by this score, so it is not inflated.")
    rungs = found(make_study(tmp_path / "b", [[0.2] * 6]))
    assert rungs.scores.overall.optimism > 0.005
    assert "Selecting the best of its 6 checkpoints inflates the dev score by 0.0" in estimate_sentence(rungs)


def test_no_trial_has_finished(tmp_path: Path) -> None:
    empty = make_study(tmp_path, [])
    assert estimate_best(empty.study, empty.folders) == (None, "")
    assert estimate_sentences(None, "") == []


def test_a_trial_that_the_user_named_was_not_selected_from_the_others(made: MadeStudy) -> None:
    best = made.study.best_trial.number
    other = next(number for number in (0, 1) if number != best)
    estimate, _ = estimate_trial(made.study, other, made.folders)
    assert estimate is not None
    assert (estimate.trial, estimate.trials) == (other, 1)
    assert estimate_trial(made.study, best, made.folders)[0] == found(made)


def test_very_many_checkpoints_are_bounded(made: MadeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(made)
    monkeypatch.setattr(
        "search.analysis.expected_score.MOST_CHECKPOINTS", 5
    )  # the last trial's, and that of most luck, go
    fewer = found(made)
    assert (fewer.checkpoints, fewer.scores.overall.dev) == (7, whole.scores.overall.dev)
    assert abs(fewer.scores.overall.expected - whole.scores.overall.expected) < 0.02
