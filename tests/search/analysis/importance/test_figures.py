"""Figures of effects and of importance show the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from search.analysis.importance.effects import effects
from search.analysis.importance.figures import effect_figure, importance_figure
from search.analysis.importance.importance import importances
from search.analysis.importance.model import fit_score_model
from tests.search.analysis.importance.planted_effects import RANK, RATE, planted
from tests.search.planted import SPACE, runs


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
