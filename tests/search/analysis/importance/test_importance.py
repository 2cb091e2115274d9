"""Importance of settings: planted effects are found, and settings without effect are not."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import create_trial

from core.config import RunConfig
from search.analysis.importance.importance import Importance, importances
from search.analysis.importance.model import fit_score_model
from search.space.parsing import parse_space
from tests.search.analysis.importance.planted_effects import ALPHA, RANK, RATE, noise
from tests.search.planted import BASE, SPACE, TABLE, drawn, of, position, runs


def measured(configs: tuple[RunConfig, ...], scores: np.ndarray) -> dict[str, Importance]:
    return {one.path: one for one in importances(fit_score_model(SPACE, configs, scores))}


def test_an_additive_effect_has_its_share_of_the_variance() -> None:
    configs = runs(300)
    x, dropout = position(configs, RATE), position(configs, "heads.sst.dropout")
    found = measured(configs, 0.2 * x + 0.1 * dropout + noise(300, 0.005))
    # variances 0.04 / 12 and 0.01 / 12; the forest has not learnt all of it
    assert 0.6 < found[RATE].overall.value < 0.85
    assert 0.13 < found["heads.sst.dropout"].overall.value < 0.25
    assert {path for path, one in found.items() if one.is_clear} == {RATE, "heads.sst.dropout"}
    assert next(iter(found)) == RATE
    assert "seed" not in found


def test_a_conditional_effect_is_found_where_it_is_active() -> None:
    configs = runs(150)
    active = of(configs, RANK) > 0
    scores = np.where(active, 0.1 * position(configs, ALPHA), 0.05) + noise(150)
    found = measured(configs, scores)
    alpha = found[ALPHA]
    assert alpha.is_clear
    assert alpha.trials == active.sum()
    others = [one for path, one in found.items() if path not in (ALPHA, RANK)]
    assert all(alpha.overall.low > one.overall.high for one in others)
    assert not any(one.is_clear for one in others)
    # among the active trials hardly anything else varies; over all it is their part of the variance
    assert alpha.where_active.value == pytest.approx(0.85, abs=0.1)
    part = active.mean() * scores[active].var() / scores.var()
    assert alpha.overall.value == pytest.approx(alpha.where_active.value * part)


def test_being_active_is_the_doing_of_the_setting_that_decides_it() -> None:
    """LoRA gains 0.1 whatever its alpha: the rank has all of that, although alpha too tells which trials have it."""
    configs = runs(150)
    found = measured(configs, np.where(of(configs, RANK) > 0, 0.1, 0.0) + noise(150, 0.005))
    assert found[RANK].overall.value == pytest.approx(1.0, abs=0.15)
    assert not found[ALPHA].is_clear


def test_settings_without_effect_have_intervals_around_0() -> None:
    """19 of 20 at least, of 98; and about as many estimates on either side."""
    pool, found = runs(300), []
    for seed in range(14):
        rng = np.random.default_rng(seed)
        configs = tuple(pool[i] for i in rng.permutation(300)[:24])
        found += list(measured(configs, rng.normal(size=24)).values())
    assert len(found) == 98
    assert np.mean([one.overall.low <= 0.0 <= one.overall.high for one in found]) >= 0.95
    assert 0.3 < np.mean([one.overall.value > 0.0 for one in found]) < 0.7


def test_more_trials_narrow_the_intervals() -> None:
    widths = []
    for count in (25, 100, 300):
        configs = runs(300)[:count]
        share = measured(configs, 0.1 * position(configs, RATE) + noise(count, 0.03))[RATE].overall
        widths.append(share.high - share.low)
    assert widths[0] > 1.5 * widths[1] > 2.0 * widths[2]


def test_ten_trials_are_enough_to_say_little() -> None:
    configs = runs(10)
    found = measured(configs, 0.1 * position(configs, RATE) + noise(10, 0.02))
    assert len(found) >= 6
    assert found[RATE].overall.high - found[RATE].overall.low > 0.2


def test_the_order_is_that_of_fanova_where_nothing_is_conditional() -> None:
    """The reference: Hutter et al. 2014 as Optuna has it, on main effects of very different sizes."""
    paths = [RATE, "heads.sst.dropout", "optim.warmup"]
    ranges = {path: {"low": TABLE[path]["low"], "high": TABLE[path]["high"]} for path in paths}
    space = parse_space(ranges, BASE)
    rng = np.random.default_rng(0)
    configs = tuple(drawn(space, BASE, rng) for _ in range(150))
    x = np.stack([of(configs, path) / ranges[path]["high"] for path in paths], axis=1)
    scores = x @ [0.05, 0.2, 0.1] + noise(150, 0.005)
    ours = [one.path for one in importances(fit_score_model(space, configs, scores))]
    study = optuna.create_study(direction="maximize")
    distributions = {path: FloatDistribution(**ranges[path]) for path in paths}
    for row, score in zip(of_all(configs, paths), scores.tolist(), strict=True):
        study.add_trial(create_trial(value=score, params=row, distributions=distributions))
    evaluator = FanovaImportanceEvaluator(n_trees=32, seed=0)
    assert ours == list(optuna.importance.get_param_importances(study, evaluator=evaluator))
    assert ours == ["heads.sst.dropout", "optim.warmup", RATE]


def of_all(configs: tuple[RunConfig, ...], paths: list[str]) -> list[dict[str, float]]:
    columns = {path: of(configs, path).tolist() for path in paths}
    return [dict(zip(paths, row, strict=True)) for row in zip(*columns.values(), strict=True)]
