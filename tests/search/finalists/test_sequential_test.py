"""Who is clearly behind: scripted scores, and how often the truly best configuration is dropped."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from core.statistics import ScoreIntervals
from search.finalists.sequential_test import ClearlyWorse, clearly_behind, look_level


def certain(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return replicates of dev examples that never change anything."""
    return {name: np.tile(of, (10, 1)) for name, of in scores.items()}


def test_clearly_behind_and_close() -> None:
    scores = {"far": np.array([0.60, 0.61]), "near": np.array([0.695, 0.70]), "best": np.array([0.705, 0.70])}
    level = look_level(3, 3)
    found = clearly_behind(scores, certain(scores), level, scores)
    half = ScoreIntervals(list(scores.values()), list(certain(scores).values()), level).difference_half_width(0, 2)
    assert found == {"far": ClearlyWorse("best", 2, pytest.approx(0.0975), half, level)}
    assert found["far"].describe() == f"after 2 seeds 0.0975 ± {half:.4f} (a 97.5 % interval) behind best"
    wavering = {**certain(scores), "far": certain(scores)["far"] + np.linspace(-0.2, 0.2, 10)[:, None]}
    assert not clearly_behind(scores, wavering, level, scores)  # other dev examples might turn it round


def test_those_that_were_dropped_are_not_compared_again() -> None:
    """One of whose runs some failed is."""
    scores = {"dropped": np.array([0.4, 0.4]), "a": np.array([0.5, 0.501]), "b": np.array([0.7, 0.7, 0.701])}
    found = clearly_behind(scores | {"none": np.array([])}, certain(scores), 0.95, ["b"], ["dropped"])
    half = ScoreIntervals(list(scores.values()), list(certain(scores).values())).difference_half_width(1, 2)
    assert found == {"a": ClearlyWorse("b", 3, pytest.approx(0.19983, abs=1e-5), half, 0.95)}


def test_a_configuration_that_cannot_win_drops_none() -> None:
    scores = {"barred": np.array([0.9, 0.9]), "good": np.array([0.7, 0.701]), "poor": np.array([0.5, 0.501])}
    found = clearly_behind(scores, certain(scores), 0.95, ["good", "poor"])
    assert {name: behind.leader for name, behind in found.items()} == {"poor": "good"}
    assert clearly_behind(scores, certain(scores), 0.95, []) == {}


def test_the_level_is_that_of_all_looks_together() -> None:
    assert look_level(2, 3) == pytest.approx(0.95)
    assert look_level(6, 5) == pytest.approx(1 - 0.05 / 15)


def dropped_best(rng: np.random.Generator, behind: float, seeds: int = 4) -> tuple[bool, int]:
    """Return whether the best of four configurations was dropped, and the runs saved; the others' accuracy is lower
    by ``behind`` (probit scale).
    """
    names, examples = list("abcd"), 200
    ability = {name: 1.0 - (behind if name != "a" else 0.0) for name in names}
    shared = rng.normal(size=examples)
    counts = rng.multinomial(examples, np.full(examples, 1 / examples), size=200) / examples
    flags = {
        name: (ability[name] + _errors(shared, seeds, rng) > 0).astype(float) for name in names
    }  # (examples, seeds)
    until = dict.fromkeys(names, seeds)
    for count in range(2, seeds):
        scores = {name: flags[name][:, : min(count, until[name])].mean(axis=0) for name in names}
        replicates = {name: counts @ flags[name][:, : len(scores[name])] for name in names}
        left = [name for name in names if until[name] == seeds]
        dropped = set(names) - set(left)
        until |= dict.fromkeys(clearly_behind(scores, replicates, look_level(4, seeds), left, dropped), count)
    return until["a"] < seeds, sum(seeds - kept for kept in until.values())


def _errors(shared: np.ndarray, seeds: int, rng: np.random.Generator) -> np.ndarray:
    """Draw errors that are partly the same in all runs, (examples, seeds)."""
    own = rng.normal(size=(len(shared), seeds))
    return sqrt(0.7) * shared[:, None] + sqrt(0.3) * own + 0.05 * rng.normal(size=seeds)


def test_how_often_the_truly_best_is_dropped() -> None:
    """At most in 2.5 of 100 cases where all are nearly alike; and what is far behind goes early."""
    rng = np.random.default_rng(0)
    alike = [dropped_best(rng, 0.01) for _ in range(200)]
    assert np.mean([dropped for dropped, _ in alike]) <= 0.025
    apart = [dropped_best(rng, 0.8) for _ in range(40)]
    assert not any(dropped for dropped, _ in apart)
    assert np.mean([saved for _, saved in apart]) > 4  # of 6 that can be saved
