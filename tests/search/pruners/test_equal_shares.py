"""Runs of different lengths are compared at equal shares of their budgets."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from search.pruners.equal_shares import EqualShares, StudyAtEqualShares
from search.pruners.registry import PrunerChoice, make_pruner

RUNGS = (50, 100)
OWN = {"short": RUNGS, "long": (500, 1000), "fine": (34, 67, 134, 201), "none": (30,)}
VARIANT = CategoricalDistribution(list(OWN))


def study_of(*curves: tuple[str, dict[int, float]]) -> optuna.Study:
    """Make a study of ended runs."""
    study = optuna.create_study(direction="maximize")
    for variant, curve in curves:
        study.add_trial(
            create_trial(
                value=max(curve.values()),
                params={"variant": variant},
                distributions={"variant": VARIANT},
                intermediate_values=curve,
            )
        )
    return study


def prunes(choice: PrunerChoice, study: optuna.Study, variant: str, curve: dict[int, float]) -> bool:
    study.enqueue_trial({"variant": variant})
    trial = study.ask({"variant": VARIANT})
    study.pruner = make_pruner(choice, RUNGS, OWN)
    for rung, score in curve.items():
        trial.report(score, rung)
    return trial.should_prune()


HALVING = PrunerChoice("halving", {"reduction_factor": 2})
MEDIAN = PrunerChoice("median", {"n_startup_trials": 1})
LOADED = PrunerChoice("optuna.pruners:PercentilePruner", {"percentile": 50.0, "n_startup_trials": 1})


@pytest.mark.parametrize("choice", [HALVING, MEDIAN, LOADED])
def test_half_of_a_run_is_compared_with_half_of_another(choice: PrunerChoice) -> None:
    others = (("short", {50: 0.5, 100: 0.6}), ("long", {500: 0.5, 1000: 0.6}))
    assert prunes(choice, study_of(*others), "long", {500: 0.4})
    assert not prunes(choice, study_of(*others), "long", {500: 0.7})
    assert prunes(choice, study_of(*others), "fine", {34: 0.4, 67: 0.4, 134: 0.4}) is False  # two thirds
    assert prunes(choice, study_of(*others), "short", {50: 0.4})


def test_the_same_number_of_examples_is_not_the_same_share() -> None:
    """At 100 examples, a short run is at its end, which says nothing about a long one."""
    own = {"short": (50, 100), "long": (100, 500, 1000)}
    shares = EqualShares((50, 100), own)
    (short, long) = study_of(("short", {50: 0.1, 100: 0.9}), ("long", {100: 0.2, 500: 0.3, 1000: 0.4})).trials
    assert shares.seen(short).intermediate_values == {50: 0.1, 100: 0.9}
    assert shares.seen(long).intermediate_values == {50: 0.3, 100: 0.4}
    assert long.intermediate_values == {100: 0.2, 500: 0.3, 1000: 0.4}, "what is stored stays as it is"


def test_shares_are_compared_up_to_rounding() -> None:
    thirds = EqualShares((33, 67, 100), {"short": (33, 67, 100), "long": (334, 667, 1001), "none": (400, 1000)})
    long, other = study_of(("long", {334: 0.1, 667: 0.2, 1001: 0.3}), ("none", {400: 0.1, 1000: 0.2})).trials
    assert thirds.seen(long).intermediate_values == {33: 0.1, 67: 0.2, 100: 0.3}
    assert thirds.seen(other).intermediate_values == {100: 0.2}


def test_a_rung_at_a_share_of_its_own_prunes_nothing() -> None:
    study = study_of(*[("short", {50: 0.9, 100: 0.9})] * 3)
    assert not prunes(HALVING, study, "fine", {34: 0.0})
    assert not prunes(HALVING, study, "none", {30: 0.0})  # its end


def test_no_trial_is_pruned_at_its_own_end() -> None:
    others = [("short", {50: 0.9, 100: 0.9})] * 3
    threshold = PrunerChoice("threshold", {"lower": 0.5})
    assert not prunes(threshold, study_of(*others), "long", {500: 0.9, 1000: 0.0})
    assert prunes(threshold, study_of(*others), "long", {500: 0.0})  # beyond the end of a short one


def test_the_study_is_otherwise_the_same() -> None:
    study = study_of(("long", {500: 0.5, 1000: 0.6}))
    study.enqueue_trial({"variant": "short"})
    view: Any = StudyAtEqualShares(study, EqualShares(RUNGS, OWN))
    assert view.direction == study.direction
    assert [trial.state for trial in view.trials] == [TrialState.COMPLETE, TrialState.WAITING]
    assert [trial.number for trial in view.get_trials(states=(TrialState.COMPLETE,))] == [0]
    assert view.best_trial.value == 0.6


def test_equal_lengths_need_no_translation() -> None:
    assert make_pruner(HALVING, RUNGS, {}).shares is None
    assert make_pruner(HALVING, RUNGS).shares is None
