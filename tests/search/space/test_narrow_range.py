"""A quarter of a range, and where it ends."""

from typing import Any

import pytest

from search.space.parsing import parse_space
from tests.search.space.narrowed_space import BASE, SPACE, narrowed, run_of


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
