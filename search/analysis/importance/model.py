"""Model a study's final scores over its settings with a forest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sklearn.tree import DecisionTreeRegressor

from core.config import RunConfig
from core.config.run import stored_digest
from search.analysis.importance.settings import SettingTable, setting_table
from search.recorded.space import searched_settings, stored_space
from search.space.space import Space
from search.trials.final_scores import final_scores
from search.trials.record import CONFIG, stored_config

__all__ = ["FEWEST_TRIALS", "ScoreForest", "ScoreModel", "fit_score_model", "study_score_model"]

FEWEST_TRIALS = 6
_SEED = 0
_TREES = 150
_GROWN_ON = 2 / 3  # of the trials, drawn without replacement
_COLUMNS = 0.75  # of the settings' columns, that a split chooses among: near-twins of the best one get their turn


class ScoreForest:
    """Regression trees on random two thirds of the trials each (subagging; Buehlmann & Yu 2002).

    Args:
        matrix: settings of the trials, (n, columns) float32.
        scores: scores of the trials, (n,).
        rng: generator that draws the trials and columns of each tree.

    Attributes:
        out: whether each tree has not seen each trial, (trees, n) bool.
        predicted: prediction for each trial by the trees that have not seen it, (n,).
    """

    def __init__(self, matrix: np.ndarray, scores: np.ndarray, rng: np.random.Generator) -> None:
        count = len(scores)
        self.out = np.ones((_TREES, count), dtype=bool)
        self._trees: list[Any] = []
        self._used: list[set[int]] = []
        for out in self.out:
            seen = rng.permutation(count)[: round(_GROWN_ON * count)]
            out[seen] = False
            tree = DecisionTreeRegressor(
                max_features=_COLUMNS,
                min_samples_leaf=max(2, count // 100),
                random_state=int(rng.integers(2**31)),
            ).fit(matrix[seen], scores[seen])
            self._trees.append(tree.tree_)  # its predict is the estimator's without the checks of every call
            self._used.append(set(tree.tree_.feature[tree.tree_.feature >= 0].tolist()))
        self._own = np.stack([tree.predict(matrix)[:, 0] for tree in self._trees])  # (trees, n)
        self.predicted = self.unseen_mean(self._own)

    def unseen_mean(self, by_tree: np.ndarray) -> np.ndarray:
        """Average over the trees that have not seen a trial, (trees, n) -> (n,)."""
        return np.asarray((by_tree * self.out).sum(axis=0) / self.out.sum(axis=0))

    def unseen_changed(self, worlds: np.ndarray, rows: np.ndarray, changed: Collection[int]) -> np.ndarray:
        """Predict like :attr:`predicted`, but for trials with other values in some columns, (worlds, m).

        Args:
            worlds: trials with changed values, (worlds, m, columns) float32.
            rows: indices of these trials, (m,).
            changed: columns that may differ; a tree that uses none of them keeps its predictions.
        """
        sums = np.zeros(worlds.shape[:2])
        for tree, used, own, out in zip(self._trees, self._used, self._own, self.out, strict=True):
            unseen = out[rows]
            sums[:, unseen] += own[rows[unseen]] if used.isdisjoint(changed) else _predict(tree, worlds[:, unseen])
        return np.asarray(sums / self.out[:, rows].sum(axis=0))

    def mean_changed(self, worlds: np.ndarray, rows: np.ndarray, changed: Collection[int]) -> np.ndarray:
        """Return each tree's mean prediction, (trees, worlds); arguments as in :meth:`unseen_changed`."""
        trees = zip(self._trees, self._used, self._own, strict=True)
        return np.stack(
            [
                np.full(len(worlds), own[rows].mean())
                if used.isdisjoint(changed)
                else _predict(tree, worlds).mean(axis=1)
                for tree, used, own in trees
            ]
        )


def _predict(tree: Any, worlds: np.ndarray) -> np.ndarray:
    """Predict trials of several worlds, (worlds, m, columns) -> (worlds, m)."""
    flat = np.ascontiguousarray(worlds.reshape(-1, worlds.shape[2]))
    return np.asarray(tree.predict(flat)[:, 0].reshape(worlds.shape[:2]))


@dataclass(frozen=True)
class ScoreModel:
    """A forest of the final scores of n trials over their settings.

    Attributes:
        table: settings of the trials.
        scores: overall scores at the end of training, 0 to 1, (n,).
        forest: forest that predicts the scores from the settings.
        finished: number of trials that were trained to their end; the scores of the others are expected ones.
        left_out: number of trials without a score, or that repeat a run (the same settings and seed).
        seed_share: share of the scores' variance that is between seeds of the same settings; None if no configuration
            has two seeds.
    """

    table: SettingTable
    scores: np.ndarray
    forest: ScoreForest
    finished: int
    left_out: int = 0
    seed_share: float | None = None

    @property
    def explained(self) -> float:
        """The part of the scores' variance that the forest predicts for trials that it has not seen; at most 1."""
        return 1.0 - float(((self.scores - self.forest.predicted) ** 2).mean() / self.scores.var())


def fit_score_model(
    space: Space, configs: Sequence[RunConfig], scores: np.ndarray, finished: int | None = None
) -> ScoreModel:
    """Fit the model to runs and their final scores; needs at least :data:`FEWEST_TRIALS` with different scores."""
    if len(scores) < FEWEST_TRIALS or not np.ptp(scores):
        raise ValueError(f"needs at least {FEWEST_TRIALS} trials of different scores, got {scores}")
    table = setting_table(space, configs)
    forest = ScoreForest(table.matrix, scores, np.random.default_rng(_SEED))
    return ScoreModel(
        table, scores, forest, len(scores) if finished is None else finished, 0, _seed_share(configs, scores)
    )


def study_score_model(study: optuna.Study) -> ScoreModel | None:
    """Fit the model to a study's finished and pruned trials; None if they are too few or all score the same."""
    trials = study.get_trials(deepcopy=False)
    kept = list(_kept(trials))
    if len(kept) < FEWEST_TRIALS:
        return None
    configs, used = [config for config, _ in kept], [trial for _, trial in kept]
    scores = final_scores(
        _curves(configs, [trial.intermediate_values or {0: trial.value or 0.0} for trial in used]),
        [trial.value if trial.state == TrialState.COMPLETE else None for trial in used],
    )
    if not np.ptp(scores) or not searched_settings(study) - {"seed"}:
        return None
    model = fit_score_model(
        stored_space(study, configs[0]), configs, scores, sum(trial.state == TrialState.COMPLETE for trial in used)
    )
    return ScoreModel(**{**vars(model), "left_out": len(trials) - len(used)})


def _curves(configs: Sequence[RunConfig], curves: list[dict[int, float]]) -> Sequence[Mapping[float, float]]:
    """Return the curves by training examples, or by shares of the run where variants differ in length."""
    lengths = [config.examples for config in configs]
    if len(set(lengths)) == 1:
        return [{float(rung): score for rung, score in curve.items()} for curve in curves]
    return [
        {round(rung / length, 3): score for rung, score in curve.items()}
        for length, curve in zip(lengths, curves, strict=True)
    ]


def _kept(trials: Sequence[FrozenTrial]) -> Iterator[tuple[RunConfig, FrozenTrial]]:
    """Return trials with a score and their runs; a run that was trained twice is included once."""
    seen: set[str] = set()
    for trial in trials:
        is_over = trial.state == TrialState.COMPLETE or (
            trial.state == TrialState.PRUNED and bool(trial.intermediate_values)
        )
        stored = trial.user_attrs.get(CONFIG) if is_over else None
        if stored is not None and (digest := stored_digest(stored)) not in seen:
            seen.add(digest)
            yield stored_config(trial), trial


def _seed_share(configs: Sequence[RunConfig], scores: np.ndarray) -> float | None:
    if len({config.seed for config in configs}) < 2:
        return None
    groups: dict[str, list[float]] = {}
    for config, score in zip(configs, scores.tolist(), strict=True):
        groups.setdefault(config.model_copy(update={"seed": 0}).digest, []).append(score)
    freedom = sum(len(group) - 1 for group in groups.values())
    if not freedom:
        return None
    squares = sum(float(np.var(group)) * len(group) for group in groups.values())
    return min(1.0, squares / freedom / float(scores.var(ddof=1)))
