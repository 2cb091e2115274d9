"""The front against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.pareto.tradeoff import pareto_front

# Few values, so that ties in one, the other and both are common.
POINTS = st.lists(
    st.tuples(st.sampled_from([1.0, 2.0, 2.5, 4.0, 1e9]), st.sampled_from([0.0, 0.1, 0.5, 0.9])), max_size=12
)


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    at_least_as_good = one[0] <= other[0] and one[1] >= other[1]
    return at_least_as_good and (one[0] < other[0] or one[1] > other[1])


@given(points=POINTS)
def test_only_points_off_the_front_are_dominated(points: list[tuple[float, float]]) -> None:
    front = pareto_front([cost for cost, _ in points], [score for _, score in points])
    assert sorted(front) == [i for i, point in enumerate(points) if not any(dominates(p, point) for p in points)]
    assert [points[i] for i in front] == sorted(points[i] for i in front)


def test_by_hand() -> None:
    #        0    1    2    3    4    5
    costs = [5.0, 1.0, 3.0, 3.0, 1.0, 9.0]
    scores = [0.5, 0.2, 0.4, 0.4, 0.1, 0.5]
    assert pareto_front(costs, scores) == [1, 2, 3, 0]  # 2 and 3 are equal; 5 costs more than 0 for the same
    assert pareto_front([], []) == []
