"""Greedy selection: the paper's procedure written out plainly, all multisets, ties, bags."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembles import Selection, average_tasks, select, select_in_bags
from core.ensembles.greedy_selection import Predictions, Score

GOLD = np.array([0.5, 4.0, 2.0, 3.5, 1.0, 2.5])
CLASSES = np.array([0, 1, 1, 0, 1, 0])


def members(seed: int, count: int) -> list[dict[str, np.ndarray]]:
    """Scores and class probabilities that have something to do with gold."""
    rng = np.random.default_rng(seed)
    found: list[dict[str, np.ndarray]] = []
    for _ in range(count):
        logits = 1.5 * np.eye(2)[CLASSES] + rng.normal(size=(6, 2))
        found.append(
            {
                "score": GOLD + rng.normal(scale=2.0, size=6),
                "class": np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
            }
        )
    return found


def fit(predictions: Predictions) -> float:
    """Accuracy, and how near the scores are: ties are rare."""
    right = (predictions["class"].argmax(axis=1) == CLASSES).mean()
    return float(right - np.square(predictions["score"] - GOLD).mean())


def best_path(library: list[dict[str, np.ndarray]], score: Score, steps: int, start: int) -> tuple[list[int], float]:
    """As the paper tells it, averaging anew at each step."""

    def scored(numbers: list[int]) -> float:
        return score(average_tasks([library[number] for number in numbers]))

    first = sorted(range(len(library)), key=lambda number: scored([number]), reverse=True)[:start]
    ensembles = [first[:size] for size in range(1, min(len(first), steps) + 1)]
    while len(ensembles) < steps:
        ensembles.append(max(([*ensembles[-1], number] for number in range(len(library))), key=scored))
    best = max(ensembles, key=scored)
    return best, scored(best)


@pytest.mark.parametrize("start", [1, 3, 9])
@pytest.mark.parametrize("seed", range(12))
def test_the_best_ensemble_of_the_greedy_path(seed: int, start: int) -> None:
    library = members(seed, 5)
    numbers, score = best_path(library, fit, steps=7, start=start)
    found = select(library, fit, steps=7, start=start)
    assert found.shares == pytest.approx(np.bincount(numbers, minlength=5) / len(numbers))
    assert found.score == pytest.approx(score, abs=1e-12)
    assert found.score == pytest.approx(fit(average_tasks(library, found.shares)), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_against_all_multisets(seed: int) -> None:
    """Greedy cannot beat the best of all, and with two members at most one step can go wrong."""
    library = members(seed, 4)
    scored = {
        numbers: fit(average_tasks([library[number] for number in numbers]))
        for size in range(1, 5)
        for numbers in combinations_with_replacement(range(4), size)
    }
    assert select(library, fit, steps=4).score <= max(scored.values()) + 1e-12
    best = max(range(4), key=lambda number: scored[(number,)])
    with_best = max(value for numbers, value in scored.items() if len(numbers) <= 2 and best in numbers)
    assert select(library, fit, steps=2).score == pytest.approx(with_best, abs=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=50)
def test_never_below_the_best_member(seed: int, count: int, steps: int, start: int) -> None:
    library = members(seed, count)
    found = select(library, fit, steps, start)
    assert found.score >= max(fit(average_tasks([member])) for member in library)
    assert sum(found.shares) == pytest.approx(1)
    assert all(share * steps * 60 == pytest.approx(round(share * steps * 60)) for share in found.shares)


def scalars(*values: float) -> list[dict[str, np.ndarray]]:
    return [{"x": np.array([value])} for value in values]


def nearness(target: float) -> Score:
    return lambda predictions: -abs(float(predictions["x"][0]) - target)


def test_a_member_may_count_several_times() -> None:
    assert select(scalars(0.0, 3.0), nearness(1.0), steps=5).shares == pytest.approx((2 / 3, 1 / 3))


def test_the_path_is_walked_to_its_end() -> None:
    """The mean goes 4, 0.5, 1.67, 0.5, 1.2, 0.5: away from the target of 1, nearer than ever, and away again."""
    found = [select(scalars(-3.0, 4.0), nearness(1.0), steps) for steps in range(1, 7)]
    assert [selection.score for selection in found] == pytest.approx([-3, -0.5, -0.5, -0.5, -0.2, -0.2])
    assert found[3].shares == (0.5, 0.5)  # that of step 2, not the equal one of step 4
    assert found[5].shares == pytest.approx((0.4, 0.6))


def test_of_equals_the_earlier_and_the_smaller() -> None:
    assert select(scalars(1.0, 1.0, 1.0), nearness(0.0), steps=6).shares == (1.0, 0.0, 0.0)
    # With 2, which is the first of those that are equally far from 1, either 0 makes the mean 1.
    assert select(scalars(2.0, 0.0, 0.0), nearness(1.0), steps=6).shares == (0.5, 0.5, 0.0)

    def near_enough(predictions: Predictions) -> float:
        return -max(0.0, abs(float(predictions["x"][0]) - 1.0) - 0.6)

    # 0 alone is 1 away; a 3 makes it 1.5, near enough, and another 0 then 1, which counts no more.
    assert select(scalars(0.0, 3.0), near_enough, steps=6).shares == (0.5, 0.5)


def test_the_best_members_go_in_first() -> None:
    """0.9, 0.8 and 2.5 are the nearest three to 1, in this order; all three belong to the path from there on."""
    library = scalars(2.5, 0.8, -9.0, 0.9)
    seen: list[float] = []

    def watched(predictions: Predictions) -> float:
        seen.append(float(predictions["x"][0]))
        return nearness(1.0)(predictions)

    select(library, watched, steps=4, start=3)
    sizes = seen[4:]  # after each member alone
    assert sizes[:3] == pytest.approx([0.9, 0.85, 1.4])
    assert sorted(sizes[3:]) == pytest.approx(sorted((4.2 + x) / 4 for x in (2.5, 0.8, -9.0, 0.9)))


def test_every_step_asks_once_for_every_member() -> None:
    calls = 0

    def counted(predictions: Predictions) -> float:
        nonlocal calls
        calls += 1
        return fit(predictions)

    select(members(0, 6), counted, steps=5)
    assert calls == 6 + 1 + 4 * 6


def test_one_bag_of_everything_is_no_bag() -> None:
    library = members(1, 5)
    bagged = select_in_bags(library, fit, 6, bags=1, fraction=1.0, rng=np.random.default_rng(0))
    assert bagged.shares == pytest.approx(select(library, fit, 6).shares)
    assert bagged.score == pytest.approx(select(library, fit, 6).score, abs=1e-12)


def test_bags_are_averaged_and_come_from_the_generator() -> None:
    library = members(2, 6)

    def bagged(bags: int, seed: int) -> Selection:
        return select_in_bags(library, fit, 5, 2, bags=bags, fraction=0.5, rng=np.random.default_rng(seed))

    rng = np.random.default_rng(7)
    expected = np.zeros(6)
    for _ in range(4):
        bag = np.sort(rng.choice(6, size=3, replace=False))
        expected[bag] += np.array(select([library[number] for number in bag], fit, 5, 2).shares) / 4
    assert bagged(4, 7).shares == pytest.approx(expected)
    assert bagged(4, 7) == bagged(4, 7) != bagged(4, 8)
    assert sum(bagged(4, 7).shares) == pytest.approx(1)
    assert bagged(4, 7).score == pytest.approx(fit(average_tasks(library, expected)), abs=1e-12)
    for seed in range(5):
        assert np.count_nonzero(bagged(1, seed).shares) <= 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": 1, "start": 0}, "start must be at least 1, got 0"),
        ({"steps": 1, "bags": 0}, "bags must be at least 1, got 0"),
        ({"steps": 1, "bags": 1, "fraction": 0.0}, r"fraction must be above 0 and at most 1, got 0\.0"),
        ({"steps": 1, "bags": 1, "fraction": 1.5}, r"fraction must be above 0 and at most 1, got 1\.5"),
    ],
)
def test_numbers_out_of_range(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        if "bags" in options:
            select_in_bags(scalars(1.0), nearness(0.0), **options, rng=np.random.default_rng(0))
        else:
            select(scalars(1.0), nearness(0.0), **options)


def test_an_empty_library() -> None:
    with pytest.raises(ValueError, match="no member to select from"):
        select([], fit, steps=3)
