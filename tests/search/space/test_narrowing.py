"""A quarter of the space, around one of its runs."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.space.narrowing import narrow_space
from search.space.parsing import parse_space, read_space
from search.space.paths import get_value
from search.space.random_draws import RandomDraws
from search.space.ranges import FloatRange, IntRange
from search.space.simplex import Simplex
from search.space.space import Space

TASKS = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}
BASE = RunConfig.model_validate({"tasks": TASKS})
SPACE = parse_space(
    {
        "optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
        "optim.weight_decay": {"low": 0.0, "high": 0.4},
        "sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.1},
        "heads.sst.layers": {"low": 1, "high": 9, "step": 2},
        "heads.sst.hidden_size": {"low": 8, "high": 512, "log": True, "when": {"heads.sst.layers": [3, 5, 7]}},
        "heads.sst.dropout_hidden": {"low": 0.0, "high": 0.5, "when": {"heads.sst.layers": {"above": 1}}},
        "heads.sts.dropout": {"low": 0.0, "high": 0.5, "when": {"heads.sst.dropout_hidden": {"below": 0.25}}},
        "heads.sts.pair": ["cross", "siamese"],
        "heads.sts.combine": {"choices": ["uv", "uv-absdiff"], "when": {"heads.sts.pair": "siamese"}},
        "heads.para.pooling": ["cls", "mean"],
        "loss.weights": {"simplex": True, "min": 0.05},
        "seed": {"low": 0, "high": 9},
    },
    BASE,
)


def run_of(space: Space, **fixed: Any) -> RunConfig:
    return space.suggest(RandomDraws(np.random.default_rng(0), fixed), BASE)


def narrowed(space: Space, config: RunConfig) -> dict[str, Any]:
    return {one.path: one.distribution for one in narrow_space(space, config).dimensions}


def width(one: FloatRange | IntRange) -> float:
    return math.log(one.high / one.low) if one.log else one.high - one.low


@given(seed=st.integers(0, 2**32 - 1))
def test_the_narrow_space_lies_inside_around_the_run(seed: int) -> None:
    centre = SPACE.suggest(RandomDraws(np.random.default_rng(seed)), BASE)
    narrow = narrow_space(SPACE, centre)
    assert not narrow.encode(centre).notes
    assert not narrow.has_conditions
    old = {one.path: one.distribution for one in SPACE.dimensions}
    for dimension in narrow.dimensions:
        new, was = dimension.distribution, old[dimension.path]
        if isinstance(new, FloatRange | IntRange) and isinstance(was, FloatRange | IntRange):
            assert was.low <= new.low <= get_value(centre, dimension.path) <= new.high <= was.high
            if dimension.path not in ("seed", "heads.sst.hidden_size"):  # a small whole number has neighbours still
                assert width(new) <= max(width(was) / 4, 2 * (was.step or 0)) + 1e-9
    again = read_space(narrow.to_json(), centre)
    assert again.to_json() == narrow.to_json()
    for number in range(5):
        draws = RandomDraws(np.random.default_rng(number))
        inside = narrow.suggest(draws, centre)
        assert not SPACE.encode(inside).notes  # a run of the old space
        # What the centre searches is searched in all of the narrow space, and nothing else.
        active = [{one.path for one in SPACE.dimensions if one.is_active(config)} for config in (centre, inside)]
        assert active[0] == active[1]
        assert not narrow.encode(inside).notes


@pytest.mark.parametrize(
    ("path", "table", "value", "expected"),
    [
        ("optim.learning_rate", {"low": 1e-6, "high": 1e-2, "log": True}, 1e-4, (10**-4.5, 10**-3.5)),
        ("optim.learning_rate", {"low": 1e-6, "high": 1e-2, "log": True}, 1e-6, (1e-6, 10**-5.5)),
        ("optim.weight_decay", {"low": 0.0, "high": 0.4}, 0.2, (0.15, 0.25)),
        ("optim.weight_decay", {"low": 0.0, "high": 0.4}, 0.4, (0.35, 0.4)),
        ("sampler.alpha", {"low": 0.0, "high": 1.0, "step": 0.05}, 0.5, (0.4, 0.6)),  # 20 steps: 2 to each side
        ("sampler.alpha", {"low": 0.0, "high": 1.0, "step": 0.25}, 0.5, (0.25, 0.75)),  # at least one
        ("sampler.alpha", {"low": 0.0, "high": 1.0, "step": 0.25}, 1.0, (0.75, 1.0)),
        ("heads.sst.layers", {"low": 1, "high": 3}, 1, (1, 2)),
        ("heads.sst.layers", {"low": 1, "high": 9, "step": 2}, 5, (3, 7)),
        ("heads.sst.hidden_size", {"low": 16, "high": 256, "log": True}, 64, (46, 90)),  # 64 / 2**.5, 64 * 2**.5
        ("heads.sst.hidden_size", {"low": 2, "high": 4, "log": True}, 3, (2, 4)),
        ("seed", {"low": 0, "high": 9}, 7, None),
        ("heads.sst.pooling", ["cls", "mean"], "mean", None),
    ],
)
def test_ranges_by_hand(path: str, table: Any, value: Any, expected: Any) -> None:
    space = parse_space({path: table}, BASE)
    found = narrowed(space, run_of(space, **{path: value})).get(path)
    if expected is None:
        assert found == (None if path != "seed" else space.dimensions[0].distribution)
    else:
        assert (found.low, found.high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("fixed", "expected"),
    [
        # With one layer nothing hidden is searched, and layers stay at one: two would search it.
        ({"heads.sst.layers": 1}, {}),
        # Nine layers would leave [3, 5, 7].
        ({"heads.sst.layers": 7, "heads.sst.hidden_size": 64}, {"heads.sst.layers": (5, 7)}),
        ({"heads.sst.layers": 3, "heads.sst.hidden_size": 64}, {"heads.sst.layers": (3, 5)}),
        ({"heads.sst.layers": 9}, {}),
    ],
)
def test_ranges_end_where_conditions_change(fixed: dict[str, Any], expected: dict[str, Any]) -> None:
    found = narrowed(SPACE, run_of(SPACE, **fixed))
    assert {path: (found[path].low, found[path].high) for path in found if path == "heads.sst.layers"} == expected
    assert ("heads.sst.hidden_size" in found) == ("heads.sst.hidden_size" in fixed)


@pytest.mark.parametrize(
    ("value", "ends"),
    [(0.24, (0.1775, 0.25)), (0.25, (0.25, 0.3125)), (0.3, (0.25, 0.3625)), (0.1, (0.0375, 0.1625))],
)
def test_a_continuous_range_ends_at_the_bound_of_a_condition(value: float, ends: tuple[float, float]) -> None:
    found = narrowed(SPACE, run_of(SPACE, **{"heads.sst.layers": 3, "heads.sst.dropout_hidden": value}))
    one = found["heads.sst.dropout_hidden"]
    assert (one.low, one.high) == pytest.approx(ends)
    assert (one.high < 0.25) == (value < 0.25)
    assert ("heads.sts.dropout" in found) == (value < 0.25)


def test_shares_are_a_small_copy_of_the_simplex() -> None:
    """Shrunk to a quarter around the point: the least share is a quarter of the way from the point to the old least."""
    simplex = Simplex(("a", "b", "c"), 0.1)
    point = {"a": 0.5, "b": 0.3, "c": 0.2}
    small = simplex.around(point, 0.25)
    assert small.minima == pytest.approx({"a": 0.4, "b": 0.25, "c": 0.175})
    assert small.uniforms(point) == pytest.approx(simplex.uniforms(point))
    for uniforms in ([0.0, 0.0], [1.0, 0.3], [0.4, 1.0]):
        wide, near = simplex.shares(uniforms), small.shares(uniforms)
        assert near == pytest.approx({task: 0.75 * point[task] + 0.25 * wide[task] for task in point})
        assert sum(near.values()) == pytest.approx(1.0)
    assert small.uniforms({"a": 0.39, "b": 0.4, "c": 0.21}) is None
    assert small.describe() == "shares of a from 0.4, b from 0.25, c from 0.175"
