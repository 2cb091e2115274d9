"""Draws without Optuna."""

import math

import numpy as np
import pytest

from search.space.parsing import parse_space
from search.space.random_draws import RandomDraws
from tests.search.space.made_spaces import EVERYTHING, base


def test_random_draws_keep_to_their_ranges() -> None:
    draws = RandomDraws(np.random.default_rng(0))
    logs = [draws.suggest_float("x", 1e-5, 1e-1, step=None, log=True) for _ in range(2000)]
    assert min(logs) >= 1e-5
    assert max(logs) <= 1e-1
    assert np.mean([math.log10(x) for x in logs]) == pytest.approx(-3.0, abs=0.1)  # the middle of -5 .. -1
    ints = [draws.suggest_int("n", 1, 7, step=3, log=False) for _ in range(300)]
    assert set(ints) == {1, 4, 7}
    assert {draws.suggest_int("n", 1, 3, step=1, log=True) for _ in range(300)} == {1, 2, 3}
    space = parse_space(EVERYTHING, base())
    assert len({space.suggest(draws, base()).digest for _ in range(20)}) == 20
