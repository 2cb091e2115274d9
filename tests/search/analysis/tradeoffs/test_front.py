"""The front over several tasks, by its definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.analysis.tradeoffs.front import nondominated
from search.pareto.tradeoff import pareto_front


def test_by_hand() -> None:
    scores = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5], [0.5, 0.5, 0.4], [1, 0, 0]])
    assert nondominated(scores).tolist() == [True, True, True, True, False, True]  # equals do not beat each other


@given(arrays(np.int64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.integers(0, 4)))
def test_with_two_tasks_it_is_the_front_of_score_and_cost(scores: np.ndarray) -> None:
    found = np.flatnonzero(nondominated(scores)).tolist()
    assert found == sorted(pareto_front((-scores[:, 0]).tolist(), scores[:, 1].tolist()))


@given(arrays(np.int64, st.tuples(st.integers(1, 10), st.integers(1, 4)), elements=st.integers(0, 3)))
def test_every_other_trial_is_beaten_by_one_on_the_front(scores: np.ndarray) -> None:
    on_front = nondominated(scores)
    assert on_front.any()
    for row in scores[~on_front]:
        assert any((one >= row).all() and (one > row).any() for one in scores[on_front])
