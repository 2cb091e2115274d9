"""Hyperband: how trials are dealt to brackets, and that brackets do not mix."""

import optuna
import pytest

from search.pruners.hyperband import Hyperband
from search.pruners.registry import PrunerChoice
from tests.search.pruners.simulation import DOUBLING, EVEN, simulate


def test_hyperband_deals_evenly_by_number() -> None:
    """All brackets cost about the same at their first rung, in any stretch of a study; the name does not matter."""
    pruner = Hyperband(DOUBLING)
    dealt = [pruner.bracket(number) for number in range(620)]
    assert [dealt.count(bracket) for bracket in range(5)] == [320, 160, 80, 40, 20]
    assert [dealt[31 * 7 : 31 * 8].count(bracket) for bracket in range(5)] == [16, 8, 4, 2, 1]
    assert [Hyperband(DOUBLING).bracket(number) for number in (400, 3, 17)] == [dealt[400], dealt[3], dealt[17]]


def test_trials_of_different_brackets_are_not_compared() -> None:
    """A trial that is worse than all others continues if none of them is in its bracket."""
    pruner = Hyperband((100, 200))
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for number in range(3):
        trial = study.ask()
        trial.report(0.5 - number / 10, 100)
        others = [pruner.bracket(earlier) for earlier in range(number)]
        assert trial.should_prune() == (pruner.bracket(number) == 0 and 0 in others)


@pytest.mark.parametrize("eta", [2.0, 3.0])
def test_hyperband_prunes_some_of_a_small_study(eta: float) -> None:
    counts = [len(simulate(PrunerChoice("hyperband", {"reduction_factor": eta}), EVEN, 16, seed)) for seed in range(8)]
    assert min(counts) >= 3
