"""Uniformity and inversion of the simplex."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial
from scipy import stats

from search.space.parsing import parse_space
from search.space.random_draws import RandomDraws
from search.space.simplex import Simplex
from tests.search.space.made_spaces import base
from tests.search.study_texts import message, with_space

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
def test_an_invalid_simplex_is_refused(
    tasks: tuple[str, ...], minimum: float | tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=r"simplex|min") as caught:
        Simplex(tasks, minimum)
    assert str(caught.value) == message


def test_simplex_shares_the_weight_its_tasks_have() -> None:
    start = base(loss={"weights": {"para": 4.0}})
    space = parse_space({"loss.weights": {"simplex": ["sst", "sts"]}}, start)
    config = space.suggest(FixedTrial({"loss.weights[sst]": 0.25}), start)
    assert config.loss.weights == pytest.approx({"sst": 0.5, "para": 4.0, "sts": 1.5}, abs=1e-15)
    assert space.chosen(config) == pytest.approx({"loss.weights.sst": 0.25, "loss.weights.sts": 0.75}, abs=1e-15)


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


SIMPLEX = [
    ("{ simplex = ['sst'] }", ": a simplex needs at least two different tasks, got ['sst']"),
    ("{ simplex = ['sst', 'stss'] }", ".simplex: no such task in this study: 'stss'; did you mean 'sts'?"),
    ("{ simplex = 'all' }", ".simplex: must be true, or a list of the study's tasks, got all"),
    ("{ simplex = false }", ".simplex: must be true, or a list of the study's tasks, got false"),
    ("{ simplex = true, min = 0.4 }", ": min must be at least 0 and below 1/3, got 0.4"),
    ("{ simplex = true, min = 'a' }", ".min: must be a number, got 'a'"),
    ("{ simplex = true, min = { sst = 'a' } }", ".min.sst: must be a number, got 'a'"),
    (
        "{ simplex = true, min = { sts = 0.1, sat = 0.2 } }",
        ".min.sat: is not one of the tasks that share: sst, para, sts",
    ),
    (
        "{ simplex = true, min = { sst = 0.7, para = 0.5 } }",
        ": min must be at least 0 for each task and below 1 together, got 0.7 + 0.5 + 0",
    ),
    ("{ simplex = true, mni = 0.1 }", ".mni: unknown key; did you mean 'min'?"),
]


@pytest.mark.parametrize(("table", "expected"), SIMPLEX)
def test_mistakes_in_a_simplex(tmp_path: Path, table: str, expected: str) -> None:
    assert message(tmp_path, with_space(f'"loss.weights" = {table}')) == f'study.toml:5: space."loss.weights"{expected}'


def test_a_simplex_of_one_task_or_of_nothing_is_refused(tmp_path: Path) -> None:
    one = 'tasks = ["sst"]\n[space]\n"loss.weights" = { simplex = true }\n'
    expected = "study.toml:3: space.\"loss.weights\": a simplex needs at least two different tasks, got ['sst']"
    assert message(tmp_path, one) == expected
    zero = with_space('"loss.weights" = { simplex = ["sst", "sts"] }', "[base.loss.weights]\nsst = 0\nsts = 0\n")
    assert message(tmp_path, zero) == (
        'study.toml:8: space."loss.weights": sst, sts have no loss weight to share: base.loss.weights is 0 for each'
    )
