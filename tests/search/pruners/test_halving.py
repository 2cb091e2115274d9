"""Successive halving against its rule, on simulated curves."""

from collections.abc import Sequence

import numpy as np
import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from search.pruners.halving import SuccessiveHalving
from search.pruners.registry import PrunerChoice, make_pruner
from search.trials.record import REPEAT_OF
from tests.search.pruners.simulation import EVEN, simulate


def test_halving_decides_at_every_rung() -> None:
    """Falling scores after a best one: each is pruned at the first rung. Rising ones stay."""
    choice = PrunerChoice("halving", {"reduction_factor": 2})
    assert simulate(choice, EVEN, qualities=np.linspace(0.8, 0.4, 5)) == {1: 4000, 2: 4000, 3: 4000, 4: 4000}
    assert simulate(choice, EVEN, qualities=np.linspace(0.4, 0.8, 5)) == {}
    seen = {rung for seed in range(10) for rung in simulate(choice, EVEN, seed=seed).values()}
    assert seen == {4000, 8000, 12000, 16000}


def test_halving_may_start_later() -> None:
    choice = PrunerChoice("halving", {"reduction_factor": 2, "skip": 1})
    assert simulate(choice, EVEN, qualities=np.linspace(0.8, 0.4, 3)) == {1: 8000, 2: 8000}


@given(
    curves=st.lists(
        st.lists(st.integers(0, 5).map(lambda score: score / 5), min_size=3, max_size=3), min_size=1, max_size=25
    ),
    factor=st.one_of(st.none(), st.floats(1.1, 5.0)),
    skip=st.integers(0, 1),
)
def test_halving_follows_its_rule(curves: list[list[float]], factor: float | None, skip: int) -> None:
    """Compare with the rule as documented, on curves that cross and tie; a second call gives the same answer."""
    rungs = (100, 200, 600)
    study = optuna.create_study(direction="maximize", pruner=SuccessiveHalving(rungs, factor, skip))
    came: dict[int, list[float]] = {rung: [] for rung in rungs}
    for curve in curves:
        trial = study.ask()
        for index, (rung, score) in enumerate(zip(rungs, curve, strict=True)):
            came[rung].append(score)
            trial.report(score, rung)
            share = 1 / (factor or {100: 2.0, 200: 3.0, 600: 1.0}[rung])
            rank = sorted(came[rung], reverse=True).index(score) + 1
            is_last = index == len(rungs) - 1
            expected = not is_last and index >= skip and rank > max(1, int(share * len(came[rung]) + 1e-9))
            assert trial.should_prune() == trial.should_prune() == expected
            if expected:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, curve[-1])


def test_failed_trials_do_not_compete() -> None:
    study = optuna.create_study(direction="maximize", pruner=SuccessiveHalving((100, 200)))
    diverged = study.ask()
    diverged.report(0.9, 100)
    study.tell(diverged, state=optuna.trial.TrialState.FAIL)
    trial = study.ask()
    trial.report(0.5, 100)
    assert not trial.should_prune()


def test_repeats_do_not_compete() -> None:
    """The last trial is second of three. If the repeat counted, it would be second of four, and continue."""
    study = optuna.create_study(direction="maximize", pruner=SuccessiveHalving((100, 200)))
    for score, is_repeat in ((0.3, False), (0.3, True), (0.9, False)):
        trial = study.ask()
        trial.report(score, 100)
        trial.report(score, 200)
        if is_repeat:
            trial.set_user_attr(REPEAT_OF, 0)
        study.tell(trial, score)
    trial = study.ask()
    trial.report(0.5, 100)
    assert trial.should_prune()


REVIVE = {"revive": True, "reduction_factor": 2.0}


def pruned_at_100(scores: Sequence[float], pruner: BasePruner) -> optuna.Study:
    """Return a study whose trials have these scores at the first rung; who passes it is complete."""
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for score in scores:
        trial = study.ask()
        trial.report(score, 100)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
        else:
            trial.report(score, 200)
            study.tell(trial, score)
    return study


def test_a_pruned_trial_may_continue_once_there_is_room() -> None:
    """Trial 1 is second of two, of three, and of four, half of which continue."""
    pruner = make_pruner(PrunerChoice("halving", REVIVE), (100, 200))
    assert pruner.waits(pruned_at_100([0.9, 0.5], pruner), [1]) == [(1, 2.0)]
    assert pruner.waits(pruned_at_100([0.9, 0.5, 0.1], pruner), [0, 1, 2]) == [(1, 1.0), (2, 3.0)]
    assert pruner.waits(pruned_at_100([0.9, 0.5, 0.1, 0.2], pruner), range(4)) == [(1, 0.0), (3, 2.0), (2, 4.0)]
    assert pruner.waits(pruned_at_100([0.9, 0.5, 0.6, 0.7], pruner), [2, 1]) == [(2, 2.0), (1, 4.0)]


def test_the_default_factor_is_a_quarter_larger_where_pruned_trials_may_continue() -> None:
    rungs = (100, 200, 600)
    by_cost, revived = SuccessiveHalving(rungs), SuccessiveHalving(rungs, revive=True)
    for rung, ratio in ((100, 2.0), (200, 3.0)):
        assert [by_cost._places(rung, trials) for trials in (30, 60)] == [30 // ratio, 60 // ratio]
        assert [revived._places(rung, trials) for trials in (30, 60)] == [30 / 1.25 // ratio, 60 / 1.25 // ratio]
    given = SuccessiveHalving(rungs, 3.0, revive=True)
    assert given._places(100, 30) == 10


def test_without_revive_every_end_is_final() -> None:
    for choice in (PrunerChoice("halving"), PrunerChoice("hyperband"), PrunerChoice("median")):
        pruner = make_pruner(choice, (100, 200))
        assert pruner.waits(pruned_at_100([0.9, 0.5, 0.1, 0.2], pruner), range(4)) == []


def test_repeats_and_trials_below_a_floor_never_continue() -> None:
    pruner = make_pruner(PrunerChoice("halving", REVIVE), (100, 200))
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for number in range(3):
        trial = study.ask()
        trial.report(0.5, 100)
        if number == 0:
            trial.set_user_attr(REPEAT_OF, 7)
        if number == 1:
            trial.set_constraint("floor sst", 0.1)
        study.tell(trial, state=TrialState.PRUNED)
    assert pruner.waits(study, range(3)) == [(2, 0.0)]


@settings(max_examples=30)
@given(scores=st.lists(st.integers(0, 9), min_size=1, max_size=9), factor=st.floats(1.1, 5.0))
def test_a_trial_continues_later_exactly_if_the_rule_lets_it(scores: list[int], factor: float) -> None:
    """A wait of 0 means that the pruner, asked now, lets the trial pass; after as many worse ones as it waits, too."""
    pruner = SuccessiveHalving((100, 200), factor, revive=True)
    study = pruned_at_100(scores, pruner)
    for number, wait in pruner.waits(study, range(len(scores))):
        assert (wait == 0.0) == (not pruner.prune(study, study.trials[number]))
        longer = pruned_at_100([*scores, *[-1.0] * int(wait)], pruner)
        assert not pruner.prune(longer, study.trials[number])
        if wait >= 1:
            shorter = pruned_at_100([*scores, *[-1.0] * (int(wait) - 1)], pruner)
            assert pruner.prune(shorter, study.trials[number])


def test_later_rungs_come_first_and_take_longer() -> None:
    """At 200, one further trial is needed; as half of them pass 100, two must start."""
    pruner = SuccessiveHalving((100, 200, 400), 2.0, revive=True)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for curve in ([0.9, 0.9, 0.9], [0.8, 0.8], [0.7, 0.7], [0.6], [0.5]):
        trial = study.ask()
        for rung, score in zip((100, 200, 400), curve, strict=False):
            trial.report(score, rung)
        study.tell(trial, curve[-1] if len(curve) == 3 else None, state=None if len(curve) == 3 else TrialState.PRUNED)
    assert pruner.waits(study, range(1, 5)) == [(1, 2.0), (3, 3.0), (4, 5.0), (2, 6.0)]
