"""The model of the scores: which trials it learns from, and the noise of seeds."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search.analysis.importance.importance import importances
from search.analysis.importance.model import ScoreForest, ScoreModel, fit_score_model, study_score_model
from tests.search.analysis.importance.planted_effects import RATE, noise
from tests.search.planted import SPACE, position, runs, study_of


def test_seeds_are_the_noise_floor() -> None:
    pool = runs(30)
    twins = tuple(config.model_copy(update={"seed": seed}) for config in pool for seed in (0, 1))
    signal = np.repeat(0.1 * position(pool, RATE), 2)
    model = fit_score_model(SPACE, twins, signal + noise(60, 0.02))
    total = signal.var() + 0.02**2
    assert model.seed_share == pytest.approx(0.02**2 / total, rel=0.4)
    assert fit_score_model(SPACE, pool, signal[::2]).seed_share is None


def model_of(study: optuna.Study) -> ScoreModel:
    model = study_score_model(study)
    assert model is not None
    return model


def test_a_study_is_read_with_its_pruned_trials() -> None:
    configs = runs(60)
    final = 0.5 + 0.1 * position(configs, RATE) + noise(60, 0.005)
    pruned = final < np.median(final)
    curves = [
        {1: one - 0.2, 2: one} if not stop else {1: one - 0.2} for one, stop in zip(final.tolist(), pruned, strict=True)
    ]
    study = study_of(configs, curves, pruned.tolist())
    study.add_trial(study.trials[0])  # trained twice: says nothing new
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=study.trials[1].user_attrs))
    model = model_of(study)
    assert (model.finished, model.left_out) == (30, 2)
    assert model.scores == pytest.approx(final, abs=0.002)
    assert importances(model)[0].path == RATE


def test_runs_of_different_lengths_are_estimated_at_equal_shares() -> None:
    """All short runs are pruned at half: what is missing to them is what the long ones gained from half on."""
    configs = runs(60)
    final = 0.5 + 0.1 * position(configs, RATE) + noise(60, 0.005)
    pruned = final < np.median(final)
    short, long = (configs[0].budget.model_copy(update={"examples": examples}) for examples in (2001, 20_000))
    configs = [
        config.model_copy(update={"budget": short if stop else long})
        for config, stop in zip(configs, pruned, strict=True)
    ]
    curves = [
        {10_000: one - 0.2, 20_000: one} if not stop else {1000: one - 0.2}
        for one, stop in zip(final.tolist(), pruned, strict=True)
    ]
    assert model_of(study_of(configs, curves, pruned.tolist())).scores == pytest.approx(final, abs=0.002)


def test_too_few_trials_give_no_model() -> None:
    configs = runs(6)
    curves = [{1: 0.1 * i} for i in range(6)]
    assert study_score_model(study_of(configs[:5], curves[:5], [False] * 5)) is None
    assert study_score_model(study_of(configs, [{1: 0.5}] * 6, [False] * 6)) is None
    assert model_of(study_of(configs, curves, [False] * 6)).scores.tolist() == pytest.approx(
        [0.1 * i for i in range(6)]
    )
    with pytest.raises(ValueError, match="needs at least 6 trials"):
        fit_score_model(SPACE, configs[:5], np.arange(5.0))


def test_predictions_are_those_of_trees_that_have_not_seen_the_trial() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.random((40, 3)).astype(np.float32)
    forest = ScoreForest(matrix, rng.normal(size=40), np.random.default_rng(1))
    assert (forest.out.sum(axis=1) == 40 - round(40 * 2 / 3)).all()
    by_tree = np.broadcast_to(np.arange(len(forest.out))[:, None], forest.out.shape).astype(np.float64)
    expected = [np.flatnonzero(forest.out[:, trial]).mean() for trial in range(40)]
    assert forest.unseen_mean(by_tree) == pytest.approx(expected)
    same = forest.unseen_changed(matrix[None], np.arange(40), {0, 1, 2})
    assert same[0] == pytest.approx(forest.predicted)
    assert forest.unseen_changed(matrix[None] + 5.0, np.arange(40), set())[0] == pytest.approx(forest.predicted)
    assert forest.mean_changed(matrix[None], np.arange(40), {0, 1, 2}).mean() == pytest.approx(
        forest.mean_changed(matrix[None], np.arange(40), set()).mean()
    )
