"""Greedy selection: the paper's procedure written out plainly, all multisets, ties, bags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembles import average_tasks, select, select_in_bags

Predictions = Mapping[str, np.ndarray]
Score = Callable[[Predictions], float]

GOLD = np.array([0.5, 4.0, 2.0, 3.5, 1.0, 2.5])
CLASSES = np.array([0, 1, 1, 0, 1, 0])


class Plain:
    """Any score of the averaged predictions, of all examples; a resample is written down, and scores the same."""

    def __init__(self, library: Sequence[Predictions], score: Score) -> None:
        self.library, self.score = library, score
        self.drawn: list[float] = []

    def __len__(self) -> int:
        return len(self.library)

    def with_one_more(self, counts: np.ndarray) -> np.ndarray:
        ones = np.eye(len(self))
        return np.array([self.score(average_tasks(self.library, (counts + one).tolist())) for one in ones])

    def resampled(self, rng: np.random.Generator) -> Plain:
        shift = float(rng.normal())
        self.drawn.append(shift)
        return Plain(self.library, lambda predictions: self.score({"x": predictions["x"] + shift}))


def members(seed: int, count: int) -> list[dict[str, np.ndarray]]:
    """Return scores and class probabilities that are related to gold."""
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
    """Return the accuracy minus the squared error of the scores, so that ties are rare."""
    right = (predictions["class"].argmax(axis=1) == CLASSES).mean()
    return float(right - np.square(predictions["score"] - GOLD).mean())


def best_path(library: list[dict[str, np.ndarray]], score: Score, steps: int, start: int) -> tuple[list[int], float]:
    """Select as in the paper, averaging again at each step."""

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
    found = select(Plain(library, fit), steps=7, start=start)
    assert found == pytest.approx(np.bincount(numbers, minlength=5) / len(numbers))
    assert fit(average_tasks(library, found.tolist())) == pytest.approx(score, abs=1e-12)


def reached(library: Sequence[Predictions], score: Score, steps: int, start: int = 1) -> float:
    return score(average_tasks(library, select(Plain(library, score), steps, start).tolist()))


@pytest.mark.parametrize("seed", range(6))
def test_against_all_multisets(seed: int) -> None:
    """Greedy cannot beat the best of all, and with two members at most one step can go wrong."""
    library = members(seed, 4)
    scored = {
        numbers: fit(average_tasks([library[number] for number in numbers]))
        for size in range(1, 5)
        for numbers in combinations_with_replacement(range(4), size)
    }
    assert reached(library, fit, steps=4) <= max(scored.values()) + 1e-12
    best = max(range(4), key=lambda number: scored[(number,)])
    with_best = max(value for numbers, value in scored.items() if len(numbers) <= 2 and best in numbers)
    assert reached(library, fit, steps=2) == pytest.approx(with_best, abs=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=50)
def test_never_below_the_best_member(seed: int, count: int, steps: int, start: int) -> None:
    library = members(seed, count)
    shares = select(Plain(library, fit), steps, start)
    assert reached(library, fit, steps, start) >= max(fit(average_tasks([one])) for one in library) - 1e-12
    assert sum(shares) == pytest.approx(1)
    assert all(share * steps * 60 == pytest.approx(round(share * steps * 60)) for share in shares)


def scalars(*values: float) -> list[dict[str, np.ndarray]]:
    return [{"x": np.array([value])} for value in values]


def nearness(target: float) -> Score:
    return lambda predictions: -abs(float(predictions["x"][0]) - target)


def chosen(library: Sequence[Predictions], score: Score, steps: int, start: int = 1) -> tuple[float, ...]:
    return tuple(select(Plain(library, score), steps, start).tolist())


def test_a_member_may_count_several_times() -> None:
    assert chosen(scalars(0.0, 3.0), nearness(1.0), steps=5) == pytest.approx((2 / 3, 1 / 3))


def test_the_path_is_walked_to_its_end() -> None:
    """The mean goes 4, 0.5, 1.67, 0.5, 1.2, 0.5: away from the target of 1, nearer than ever, and away again."""
    library = scalars(-3.0, 4.0)
    scores = [reached(library, nearness(1.0), steps) for steps in range(1, 7)]
    assert scores == pytest.approx([-3, -0.5, -0.5, -0.5, -0.2, -0.2])
    assert chosen(library, nearness(1.0), 4) == (0.5, 0.5)  # that of step 2, not the equal one of step 4
    assert chosen(library, nearness(1.0), 6) == pytest.approx((0.4, 0.6))


def test_of_equals_the_earlier_and_the_smaller() -> None:
    assert chosen(scalars(1.0, 1.0, 1.0), nearness(0.0), steps=6) == (1.0, 0.0, 0.0)
    # With 2, which is the first of those that are equally far from 1, either 0 makes the mean 1.
    assert chosen(scalars(2.0, 0.0, 0.0), nearness(1.0), steps=6) == (0.5, 0.5, 0.0)

    def near_enough(predictions: Predictions) -> float:
        return -max(0.0, abs(float(predictions["x"][0]) - 1.0) - 0.6)

    # 0 alone is 1 away; a 3 makes it 1.5, near enough, and another 0 then 1, which counts no more.
    assert chosen(scalars(0.0, 3.0), near_enough, steps=6) == (0.5, 0.5)


def test_what_differs_by_a_rounding_error_is_equal() -> None:
    """0.1 + 0.2 is more than 0.3 by the last digit."""
    assert chosen(scalars(0.3, 0.1 + 0.2), lambda p: float(p["x"][0]), steps=4) == (1.0, 0.0)
    assert chosen(scalars(0.3, 0.1 + 0.2), lambda p: float(p["x"][0]), steps=4, start=2) == (1.0, 0.0)


def test_the_best_members_go_in_first() -> None:
    """0.8, 0.9 and 2.5 are the nearest three to 0.8, in this order: the second and the third step do harm."""
    library = scalars(2.5, 0.8, -9.0, 0.9)
    seen: list[float] = []

    def watched(predictions: Predictions) -> float:
        seen.append(float(predictions["x"][0]))
        return nearness(0.8)(predictions)

    assert chosen(library, watched, steps=4, start=3) == (0.0, 1.0, 0.0, 0.0)
    # After the members alone and the first step: each once more with 0.8, with 0.8 and 0.9, and with all three.
    sums = [(0.8, 2), (1.7, 3), (4.2, 4)]
    expected = [(so_far + one) / size for so_far, size in sums for one in (2.5, 0.8, -9.0, 0.9)]
    assert seen[8:] == pytest.approx(expected)


def test_bags_are_averaged_and_come_from_the_generator() -> None:
    library = scalars(*np.linspace(-1.5, 2.0, 6))
    plain = Plain(library, nearness(0.3))
    shares = select_in_bags(plain, 2, 1, bags=8, rng=np.random.default_rng(7))
    rng = np.random.default_rng(7)
    assert plain.drawn == [rng.normal() for _ in range(8)]
    bags = [select(Plain(library, nearness(0.3 - shift)), 2, 1) for shift in plain.drawn]
    mean = np.mean(bags, axis=0)
    kept = np.argsort(-mean, kind="stable")[:2]
    assert np.count_nonzero(mean) > 2  # so that some had to go
    assert np.flatnonzero(shares).tolist() == sorted(kept.tolist())
    assert shares[kept] == pytest.approx(mean[kept] / mean[kept].sum())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": 1, "start": 0}, "start must be at least 1, got 0"),
        ({"steps": 1, "bags": 0}, "bags must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range(options: dict[str, int], message: str) -> None:
    plain = Plain(scalars(1.0), nearness(0.0))
    with pytest.raises(ValueError, match=message):
        if "bags" in options:
            select_in_bags(plain, **options, rng=np.random.default_rng(0))
        else:
            select(plain, **options)


def test_an_empty_library() -> None:
    with pytest.raises(ValueError, match="no members to select from"):
        select(Plain([], nearness(0.0)), steps=3)
