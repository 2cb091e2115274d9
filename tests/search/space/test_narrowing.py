"""A quarter of the space, around one of its runs."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search.space.narrowing import narrow_space
from search.space.parsing import read_space
from search.space.paths import get_value
from search.space.random_draws import RandomDraws
from search.space.ranges import FloatRange, IntRange
from tests.search.space.narrowed_space import BASE, SPACE


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
