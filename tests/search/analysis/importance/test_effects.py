"""Mean scores over the values of settings, and their bands, against planted functions."""

from __future__ import annotations

import numpy as np
import pytest

from core.config import RunConfig
from search.analysis.importance.effects import Effect, effects
from search.analysis.importance.figures import effect_figure
from search.analysis.importance.model import fit_score_model
from search.space.parsing import parse_space
from tests.search.analysis.importance.planted_effects import ALPHA, RANK, RATE, WEIGHTS, planted
from tests.search.planted import BASE, SPACE, drawn, of, position, runs


def measured(configs: tuple[RunConfig, ...], scores: np.ndarray) -> dict[str, Effect]:
    return {one.label: one for one in effects(fit_score_model(SPACE, configs, scores))}


def test_bands_hold_the_truth() -> None:
    """Of the curve, the choices and the triangle, at all points of 10 studies of 40 trials; and so do gaps."""
    pool, held = runs(300), {RATE: [], ALPHA: [], RANK: [], WEIGHTS: []}  # type: ignore[var-annotated]
    gaps_held, found_again = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        configs = tuple(pool[i] for i in rng.permutation(300)[:40])
        active = of(configs, RANK) > 0
        hill, mean = 0.1 * np.sin(np.pi * position(configs, RATE)).mean(), planted(configs).mean()
        gain = 0.05 * position(configs, ALPHA)[active].mean()
        found = measured(configs, planted(configs) + 0.03 * rng.normal(size=40))
        rate = np.log(np.array(found[RATE].values) / 1e-5) / np.log(100.0)
        truths = {
            RATE: 0.1 * np.sin(np.pi * rate) + gain * active.mean(),
            ALPHA: 0.05 * (np.array(found[ALPHA].values) - 8.0) / 56.0 + hill,
            RANK: np.array([hill, hill + gain]),
            WEIGHTS: np.full(len(found[WEIGHTS].values), mean),
        }
        for path, truth in truths.items():
            held[path] += ((found[path].lows <= truth) & (truth <= found[path].highs)).tolist()
            gap = found[path].gap
            gaps_held.append(gap.low <= truth[found[path].best] - truth[found[path].worst] <= gap.high)
        found_again.append(found[RATE].gap.low > 0.0)
    for path, inside in held.items():
        assert np.mean(inside) >= 0.85, path
    assert np.mean([one for inside in held.values() for one in inside]) >= 0.92
    assert np.mean(gaps_held) >= 0.92
    assert np.mean(found_again) >= 0.5  # in 40 trials, and half of the variance is chance


def test_an_effect_is_not_flattened() -> None:
    configs = runs(150)
    found = measured(configs, planted(configs) + 0.01 * np.random.default_rng(0).normal(size=150))
    rate = found[RATE]
    assert rate.gap.low <= 0.1 <= rate.gap.high
    assert rate.gap.value == pytest.approx(0.1, abs=0.015)
    assert rate.gap.low > 0.05
    assert rate.values[rate.best] == pytest.approx(1e-4, rel=0.5)
    assert rate.is_log
    assert found[ALPHA].gap.value == pytest.approx(0.05, abs=0.01)
    assert found[ALPHA].trials == (of(configs, RANK) > 0).sum()
    assert found["optim.schedule"].gap.low < 0.01
    assert found["optim.warmup"].kind == "choice"
    assert found["optim.warmup"].values == pytest.approx((0.0, 0.1, 0.2, 0.3))
    assert "seed" not in found


def test_loss_weights_of_three_tasks_are_a_triangle() -> None:
    configs = runs(150)
    sst = of(configs, "loss.weights.sst") / sum(of(configs, f"loss.weights.{task}") for task in ("sst", "para", "sts"))
    found = measured(configs, 0.5 - 0.2 * (sst - 0.5) ** 2 + 0.01 * np.random.default_rng(0).normal(size=150))[WEIGHTS]
    assert found.tasks == ("sst", "para", "sts")
    assert np.array(found.values).sum(axis=1) == pytest.approx(1.0)
    assert found.values[found.best][0] == pytest.approx(0.5, abs=0.21)
    figure = effect_figure(found, (0.4, 0.5))
    points = figure.data[0]
    assert points.type == "scatterternary"
    assert [points.a[0], points.b[0], points.c[0]] == pytest.approx(found.values[0])
    assert list(points.marker.color) == list(found.means)
    assert [figure.layout.ternary[f"{axis}axis"].title.text for axis in "abc"] == list(found.tasks)


def test_shares_are_shown_between_those_of_trials_only() -> None:
    """Few trials, and a steep slope: beyond them it would lead to scores that no trial came near."""
    configs = runs(300)
    total = sum(of(configs, f"loss.weights.{task}") for task in ("sst", "para", "sts"))
    shares = np.stack([of(configs, f"loss.weights.{task}") / total for task in ("sst", "para", "sts")], axis=1)
    low = np.flatnonzero((shares[:, 0] < 0.6) & (shares[:, 1] < 0.6) & (shares[:, 2] < 0.6))[:25]
    few, score = tuple(configs[index] for index in low), 0.5 + shares[low, 0]
    found = measured(few, score)[WEIGHTS]
    # In the convex hull: no line has the point on one side and all trials on the other.
    angles = np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False)
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    farthest = (shares[low, :2] @ normals.T).max(axis=0)
    assert (np.array(found.values)[:, :2] @ normals.T <= farthest + 1e-6).all()
    assert len(found.values) > 10
    assert score.min() - 0.05 < min(found.means)
    assert max(found.means) < score.max() + 0.05


def test_loss_weights_of_two_tasks_are_lines() -> None:
    space = parse_space({WEIGHTS: {"simplex": ["sst", "sts"]}}, BASE)
    rng = np.random.default_rng(0)
    configs = tuple(drawn(space, BASE, rng) for _ in range(60))
    share = of(configs, "loss.weights.sst") / (of(configs, "loss.weights.sst") + of(configs, "loss.weights.sts"))
    sst, sts = effects(fit_score_model(space, configs, 0.1 * share + 0.005 * rng.normal(size=60)))
    assert (sst.setting, sst.label, sts.label) == (WEIGHTS, "loss.weights.sst", "loss.weights.sts")
    assert sst.best > sst.worst
    assert sts.best < sts.worst
