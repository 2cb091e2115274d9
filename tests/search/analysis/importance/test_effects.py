"""Mean scores over the values of settings, and their bands, against planted functions; their figures and sentences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.config import RunConfig
from search.analysis.importance.effects import Effect, effects
from search.analysis.importance.figures import effect_figure, importance_figure
from search.analysis.importance.importance import importances
from search.analysis.importance.model import fit_score_model
from search.analysis.importance.smoother import Smoothed, smooth
from search.space.parsing import parse_space
from tests.search.planted import BASE, SPACE, drawn, of, position, runs

RATE, RANK, ALPHA, WEIGHTS = "optim.learning_rate", "lora.rank", "lora.alpha", "loss.weights"


def measured(configs: tuple[RunConfig, ...], scores: np.ndarray) -> dict[str, Effect]:
    return {one.label: one for one in effects(fit_score_model(SPACE, configs, scores))}


def planted(configs: tuple[RunConfig, ...]) -> np.ndarray:
    """Return scores with a hill over the learning rate, and 0.05 from one end of alpha's range to the other."""
    hill = 0.1 * np.sin(np.pi * position(configs, RATE))
    return hill + np.where(of(configs, RANK) > 0, 0.05 * position(configs, ALPHA), 0.0)


def test_a_line_is_found_again() -> None:
    """Local linear means are exact on lines, also at their ends."""
    x = np.random.default_rng(0).random((30, 1))
    points = np.linspace(x.min(), x.max(), 9)[:, None]
    found = smooth(x, 3.0 * x[:, 0] - 1.0, points)
    assert found.means == pytest.approx(3.0 * points[:, 0] - 1.0, abs=0.02)  # the ridge on slopes bends them a little
    assert found.half_widths.max() < 0.02


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


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_gap_that_chance_makes_holds_zero(dimensions: int) -> None:
    """The best and the worst of many points, chosen for their difference, where all true means are the same."""
    rng, above = np.random.default_rng(0), []
    for _ in range(60):
        x = rng.random((40, dimensions))
        found = smooth(x, rng.normal(size=40), np.linspace(x.min(axis=0), x.max(axis=0), 25))
        best, worst = found.means.argmax(), found.means.argmin()
        above.append(found.means[best] - found.means[worst] > found.gap_half_widths()[best, worst])
    assert np.mean(above) <= 0.1


def test_gaps_of_choices_have_tukeys_intervals() -> None:
    """Means of 4 groups of 10, noise 1: the studentized range, over the root of 2, of 4 groups and 36 degrees."""
    weights = np.kron(np.eye(4), np.full(10, 0.1))
    widths = Smoothed(np.zeros(4), weights, 1.0, 36.0).gap_half_widths()
    expected = stats.studentized_range.ppf(0.95, 4, 36) / np.sqrt(10.0)
    assert widths[~np.eye(4, dtype=bool)] == pytest.approx(expected, rel=0.03)
    assert np.diag(widths) == pytest.approx(0.0)


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


def test_figures_hold_the_numbers() -> None:
    configs = runs(150)
    model = fit_score_model(SPACE, configs, planted(configs) + 0.01 * np.random.default_rng(0).normal(size=150))
    found = {one.label: one for one in effects(model)}
    curve = effect_figure(found[RATE], (0.0, 0.2))
    low, high, mean = curve.data
    assert (list(low.y), list(high.y), list(mean.y)) == tuple(
        map(list, (found[RATE].lows, found[RATE].highs, found[RATE].means))
    )
    assert curve.layout.xaxis.type == "log"
    assert curve.layout.yaxis.range == pytest.approx((-0.05, 0.25))
    (levels,) = effect_figure(found[RANK], (0.0, 0.2)).data
    assert list(levels.x) == ["0", "8"]
    assert np.array(levels.y) + np.array(levels.error_y.array) == pytest.approx(found[RANK].highs)
    shares = importances(model)
    clear, unclear = importance_figure(shares).data
    assert dict(zip(clear.y, clear.x, strict=True)) == {one.path: one.overall.value for one in shares if one.is_clear}
    assert set(unclear.y) == {one.path for one in shares if not one.is_clear}
