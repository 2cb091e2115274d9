"""The replay of recorded learning curves: its clock, its table, and that nothing is tried twice."""

import math
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search.pruners.halving import SuccessiveHalving
from search.pruners.registry import PrunerChoice, make_pruner
from tests.benchmarks.replay.early_part import EarlyPart
from tests.benchmarks.replay.simulation import OptunaMethod, replay
from tests.benchmarks.replay.table import Row, Table, load_table, tables

optuna.logging.set_verbosity(optuna.logging.ERROR)


def straight(count: int) -> Table:
    """Return a table whose n-th configuration scores n / count at every rung, and each costs 1, 2 and 4."""
    rows = tuple(Row({"x": n / count}, (n / count,) * 3, {}, (1.0, 2.0, 4.0)) for n in range(count))
    return Table((10, 20, 40), 0, rows, {"x": FloatDistribution(0.0, 1.0)})


def random_method(table: Table, pruner: optuna.pruners.BasePruner, seed: int = 0) -> OptunaMethod:
    return OptunaMethod(table, optuna.samplers.RandomSampler(seed=seed), pruner)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_in_full_every_configuration_is_trained_once(workers: int) -> None:
    table = straight(8)
    whole = replay(table, random_method(table, optuna.pruners.NopPruner()), workers)
    assert whole.trials == len(whole.costs) == 8
    assert whole.costs[-1] == 8 * 4
    assert whole.best[-1] == table.rows[-1].value
    assert np.all(np.diff(whole.best) >= 0)
    assert whole.cost_of(2.0) == math.inf
    stopped = replay(table, random_method(table, optuna.pruners.NopPruner()), workers, until=16.0)
    assert stopped.trials == 4


def test_a_pruned_trial_costs_what_it_has_seen() -> None:
    """Scores are straight lines, so halving ends a trial at its first rung or never, unless few have come."""
    table = straight(32)
    halved = replay(table, random_method(table, SuccessiveHalving(table.rungs)), 1)
    assert halved.trials == 32
    assert halved.best[-1] == table.rows[-1].value
    assert 32 <= halved.costs[-1] <= 32 * 2
    late = OptunaMethod(table, optuna.samplers.RandomSampler(seed=0), SuccessiveHalving(table.rungs), first_decision=20)
    assert replay(table, late, 1).costs[-1] > halved.costs[-1]


def test_a_revived_trial_costs_the_rest_only() -> None:
    """Trial 1 is second of four at its rung, half of which continue: from 10 to 20 examples, where it ends again."""
    proposals = iter([0.8, 0.5, 0.1, 0.2, 0.9])

    class Scripted(optuna.samplers.RandomSampler):
        def sample_independent(self, *_: object) -> float:
            return next(proposals)

    table = straight(10)
    pruner = make_pruner(PrunerChoice("halving", {"revive": True, "reduction_factor": 2.0}), table.rungs)
    method = OptunaMethod(table, Scripted(), pruner)
    outcome = replay(table, method, 1, until=9.0)
    assert outcome.costs.tolist() == [4.0, 4.0 + 3 * 1.0 + 1.0 + 4.0]
    assert [max(trial.intermediate_values) for trial in method._study.trials] == [40, 20, 10, 10, 40]


def test_the_nearest_configuration_takes_a_proposal_s_place() -> None:
    class Fixed(optuna.samplers.RandomSampler):
        def sample_independent(self, *_: object) -> float:
            return 0.52

    table = straight(10)
    method = OptunaMethod(table, Fixed(), optuna.pruners.NopPruner())
    rows = [method.ask(number) for number in range(10)]
    assert [row.params["x"] for row in rows if row] == [0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2, 0.9, 0.1, 0.0]
    assert method.ask(10) is None


def test_what_matters_little_counts_little() -> None:
    """Of a row with the same choice and one with nearly the same number, the importance decides which is nearer."""

    class Fixed(optuna.samplers.RandomSampler):
        def sample_independent(self, _study: object, _trial: object, name: str, _space: object) -> float | str:
            return {"rate": 0.5, "choice": "a"}[name]

    space = {"rate": FloatDistribution(0.0, 1.0), "choice": CategoricalDistribution(["a", "b"])}
    rows = [Row({"rate": rate, "choice": choice}, (0.5,), {}, (1.0,)) for rate, choice in ((0.0, "a"), (0.6, "b"))]
    for importance, nearest in (({}, 0), ({"rate": 0.9, "choice": 0.1}, 1)):
        table = Table((10,), 0, tuple(rows), space, importance)
        assert OptunaMethod(table, Fixed(), optuna.pruners.NopPruner()).ask(0) == rows[nearest]


@pytest.mark.parametrize("path", tables(), ids=lambda path: path.name)
def test_the_recorded_curves(path: Path) -> None:
    """At least 200 configurations with whole curves; the two halves share none. The study is next to the table."""
    assert path.with_name(path.name.replace(".json.gz", ".toml")).is_file()
    table = load_table(path)
    assert len(table.rows) >= 200
    assert max(table.importance, key=lambda name: table.importance[name]) == "optim.learning_rate"
    for row in table.rows:
        assert len(row.overall) == len(row.cost) == len(table.rungs)
        assert list(row.cost) == sorted(row.cost)
        assert all(
            table.space[name]._contains(table.space[name].to_internal_repr(row.params[name])) for name in row.params
        )
    first, second = ({tuple(row.params.items()) for row in table.half(half).rows} for half in (0, 1))
    assert len(first) + len(second) == len(table.rows)
    assert not first & second


def test_a_part_of_dev_adds_its_noise_to_early_rungs() -> None:
    """Accuracies of .5 and a correlation of 0 on 30 of 300 examples, and the last rung as it was."""
    scores = {"sst": (0.5, 0.5), "para": (0.5, 0.5), "sts": (0.0, 0.0)}
    rows = tuple(Row({"x": n / 2000}, (0.5, 0.4), scores, (1.0, 2.0)) for n in range(2000))
    part = EarlyPart(0.1).scored(Table((10, 20), 0, rows, {}), seed=0)
    missing = 1 / 30 - 1 / 300
    expected = 0.68 * math.sqrt(2 * 0.25 * missing + 0.25 * missing) / 3
    assert np.std([row.overall[0] for row in part.rows]) == pytest.approx(expected, rel=0.05)
    assert {row.value for row in part.rows} == {0.4}
    assert EarlyPart().scored(part, seed=0).rows == part.rows
    costs = EarlyPart(0.1, cost=0.5).scored(part, seed=0).rows[0].cost
    assert costs == pytest.approx((1.0 + 0.1 * 0.5 * 2.0, 2.0 + 1.1 * 0.5 * 2.0))
