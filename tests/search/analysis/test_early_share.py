"""A study whose early rungs scored a part of dev: a part selects nothing, and enters no estimate."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from search.analysis.expected_score import estimate_best
from search.analysis.train_dev_curves import TrainDevCurve, gap_sentences
from search.analysis.trial_difference import OneTrial, trial_difference
from search.ensemble.forecast import forecast_ensemble
from search.ensemble.members import CandidateTrials
from search.recorded.disagreements import check_agreement
from search.trials.record import FinishedTrial
from tests.search.made_study import SIZE, SPECS, MadeStudy, make_study

PRUNED = 3


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    """Return three trials of two rungs and one that was pruned at the first; early rungs knew more."""
    return make_study(tmp_path, [[0.9, 0.3], [0.8, 0.5], [0.7, 0.4], [0.95]], early_share=0.25)


def one(made: MadeStudy, number: int) -> OneTrial:
    return OneTrial(f"trial {number}", FinishedTrial.read(made.study.trials[number]), made.folders)


def test_scores_are_those_of_all_dev_examples(made: MadeStudy) -> None:
    assert [len(made.predictions(0, rung)["sst"]) for rung in (100, 200)] == [SIZE / 4, SIZE]
    assert [one(made, number).record.result.best_rung for number in range(4)] == [200, 200, 200, 100]
    assert [one(made, number).record.dev_share for number in range(4)] == [1.0, 1.0, 1.0, 0.25]
    check_agreement(made.study, made.folders)


def test_estimates_select_from_last_rungs(made: MadeStudy) -> None:
    estimate, why = estimate_best(made.study, made.folders)
    assert estimate is not None, why
    assert (estimate.trial, estimate.trials, estimate.checkpoints, estimate.gone) == (1, 3, 3, ())
    forecast, why = forecast_ensemble(made.study, made.folders)
    assert forecast is not None, why
    assert (forecast.best, forecast.trials, forecast.gone) == (1, 3, ())


def test_a_pruned_trial_has_predictions_for_a_part_only(made: MadeStudy) -> None:
    message = (
        f"trial {PRUNED} was pruned at 100 examples, where eval.early_share = 0.25 of dev was scored: it has no "
        "predictions for the other dev examples"
    )
    with pytest.raises(UserError) as caught:
        trial_difference(one(made, PRUNED), one(made, 1))
    assert str(caught.value) == message
    candidates = CandidateTrials(made.study, made.folders, None, None, needs_models=False)
    assert candidates.candidates() == [0, 1, 2]
    with pytest.raises(UserError) as caught:
        candidates.members([PRUNED])
    assert str(caught.value) == f"trial {PRUNED} has no scores on all of dev: it cannot be a member"


def test_overfitting_is_not_judged() -> None:
    curve = TrainDevCurve((100, 200), None, (0.8, 0.9), (0.7, 0.6), SPECS["sst"].metric, early_share=0.25)
    assert gap_sentences("sst", curve) == [
        "sst, accuracy: the gap is +0.300 at the end (0.900 on train, 0.600 on dev). Earlier rungs scored 0.25 of "
        "these examples (eval.early_share), too few to say whether and when the run began to overfit."
    ]
