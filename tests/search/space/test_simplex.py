"""Uniformity and inversion of the simplex."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search.space.random_draws import RandomDraws
from search.space.simplex import Simplex

TASKS = ("sst", "para", "sts", "irony", "cola")


def draws(simplex: Simplex, count: int) -> np.ndarray:
    rng = np.random.default_rng(11)
    return np.array([simplex.suggest(RandomDraws(rng), "loss.weights") for _ in range(count)])


@pytest.mark.parametrize("k", [2, 3, 5])
def test_marginals_of_uniform_shares_are_beta(k: int) -> None:
    sample = draws(Simplex(TASKS[:k]), 4000)
    assert np.allclose(sample.sum(axis=1), 1.0, atol=1e-12)
    for column in range(k):
        assert stats.kstest(sample[:, column], stats.beta(1, k - 1).cdf).pvalue > 0.005


def test_shares_are_jointly_uniform() -> None:
    """Against a Dirichlet sample: the joint law of three shares, cut into 16 equal triangles."""
    sample = draws(Simplex(TASKS[:3]), 8000)
    cells = np.floor(sample * 4).astype(int)
    upward = cells.sum(axis=1) == 3
    _, counts = np.unique(np.column_stack([cells, upward]), axis=0, return_counts=True)
    assert len(counts) == 16
    assert stats.chisquare(counts).pvalue > 0.005


def test_no_share_is_below_the_minimum() -> None:
    sample = draws(Simplex(TASKS[:3], 0.2), 2000)
    assert sample.min() >= 0.2 - 1e-12
    assert sample.max() <= 0.6 + 1e-12
    assert stats.kstest((sample[:, 1] - 0.2) / 0.4, stats.beta(1, 2).cdf).pvalue > 0.005


def test_stick_breaking_by_hand() -> None:
    # u = (5/9, 1/2): the first takes 1 - (4/9)^(1/2) = 1/3 of the stick, the second half of the rest.
    shares = Simplex(("a", "b", "c")).shares([5 / 9, 0.5])
    assert shares == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, abs=1e-15)


@given(st.lists(st.floats(0.03, 1.0), min_size=2, max_size=5))
def test_encode_then_shares_gives_the_shares_back(weights: list[float]) -> None:
    total = sum(weights)
    wanted = {task: weight / total for task, weight in zip(TASKS, weights, strict=False)}
    simplex = Simplex(tuple(wanted))
    uniforms = simplex.uniforms(wanted)
    assert uniforms is not None
    assert all(0.0 <= u <= 1.0 for u in uniforms)
    assert simplex.shares(uniforms) == pytest.approx(wanted, abs=1e-12)


@given(st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4))
def test_any_numbers_give_shares_that_encode_to_themselves(uniforms: list[float]) -> None:
    simplex = Simplex(TASKS, 0.05)
    shares = simplex.shares(uniforms)
    assert min(shares.values()) >= 0.05 - 1e-12
    again = simplex.uniforms(shares)
    assert again is not None
    # Five tasks, down to the corners, where a float no longer holds 1 - u exactly.
    assert simplex.shares(again) == pytest.approx(shares, abs=1e-3)


@pytest.mark.parametrize("corner", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
def test_corners_are_reached_exactly(corner: tuple[float, float, float]) -> None:
    simplex = Simplex(("a", "b", "c"))
    uniforms = simplex.uniforms(dict(zip("abc", corner, strict=True)))
    assert uniforms is not None
    assert tuple(simplex.shares(uniforms).values()) == corner


def test_shares_below_the_minimum_have_no_code() -> None:
    assert Simplex(("a", "b"), 0.3).uniforms({"a": 0.2, "b": 0.8}) is None


@pytest.mark.parametrize(
    ("tasks", "minimum", "message"),
    [
        (("a",), 0.0, "a simplex needs at least two different tasks, got ['a']"),
        (("a", "a"), 0.0, "a simplex needs at least two different tasks, got ['a', 'a']"),
        (("a", "b"), 0.5, "min must be at least 0 and below 1/2, got 0.5"),
        (("a", "b"), -0.1, "min must be at least 0 and below 1/2, got -0.1"),
        (("a", "b"), (0.5, 0.5), "min must be at least 0 for each task and below 1 together, got 0.5 + 0.5"),
        (("a", "b"), (0.5, -0.1), "min must be at least 0 for each task and below 1 together, got 0.5 + -0.1"),
        (("a", "b"), (0.5,), "min must have a number for each of a, b, got 1"),
    ],
)
def test_a_simplex_that_is_none_is_refused(
    tasks: tuple[str, ...], minimum: float | tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=r"simplex|min") as caught:
        Simplex(tasks, minimum)
    assert str(caught.value) == message
