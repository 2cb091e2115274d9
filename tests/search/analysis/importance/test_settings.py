"""Settings as numbers, and trials with one setting changed."""

from __future__ import annotations

import numpy as np
import pytest

from search.analysis.importance.settings import setting_table
from tests.search.analysis.importance.planted_effects import ALPHA, RANK, RATE
from tests.search.planted import SPACE, of, position, runs


def test_a_changed_trial_is_one_that_could_be() -> None:
    """With another rank, alpha is lost, borrowed or kept."""
    configs = runs(40)
    table = setting_table(SPACE, configs)
    rank, alpha = (next(one for one in table.settings if one.path == path) for path in (RANK, ALPHA))
    rank_column, alpha_column = (
        next(iter(table.columns(one) - others)) for one, others in ((rank, table.columns(alpha)), (alpha, set()))
    )
    with_lora, without = np.flatnonzero(alpha.active), np.flatnonzero(~alpha.active)
    rng = np.random.default_rng(0)
    on = table.changed(rank, np.full(40, with_lora[0]), rng)
    assert set(on[:, rank_column]) == {1.0}
    assert np.array_equal(on[with_lora], table.matrix[with_lora])
    assert set(on[without, alpha_column]) <= set(table.matrix[with_lora, alpha_column])
    off = table.changed(rank, np.full(40, without[0]), rng)
    assert set(off[:, rank_column]) == {0.0}
    assert set(off[:, alpha_column]) == {-1.0}
    rest = [column for column in range(on.shape[1]) if column not in (rank_column, alpha_column)]
    for changed in (on, off):
        assert np.array_equal(changed[:, rest], table.matrix[:, rest])


def test_values_are_numbers_on_the_scale_of_their_range() -> None:
    configs = runs(40)
    table = setting_table(SPACE, configs)
    by_path = {one.path: one for one in table.settings}
    assert "seed" not in by_path
    assert table.trials == 40
    assert by_path[RATE].is_log
    assert by_path[RATE].columns[:, 0] == pytest.approx(position(configs, RATE), abs=1e-6)
    alpha = by_path[ALPHA]
    assert alpha.active.tolist() == (of(configs, RANK) > 0).tolist()
    assert [value is None for value in alpha.values] == (~alpha.active).tolist()
    assert alpha.taken(np.full(40, -1)).max() < alpha.columns[alpha.active].min()
    shares = by_path["loss.weights"]
    assert (shares.kind, shares.tasks) == ("shares", ("sst", "para", "sts"))
    assert [sum(value) for value in shares.values] == pytest.approx([1.0] * 40)


def test_a_setting_that_does_not_vary() -> None:
    configs = tuple(runs(5)[0] for _ in range(5))
    settings = setting_table(SPACE, configs).settings
    assert not any(one.is_varied for one in settings)
    assert all(one.is_searched for one in settings)
