"""Model a study's final scores over its settings with a forest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.config.run import stored_digest
from search.analysis.importance.forest import ScoreForest
from search.analysis.importance.settings import SettingTable, setting_table
from search.recorded.space import searched_settings, stored_space
from search.space.space import Space
from search.trials.final_scores import final_scores
from search.trials.record import CONFIG

__all__ = ["FEWEST_TRIALS", "ScoreModel", "fit_score_model", "study_score_model"]

FEWEST_TRIALS = 6
_SEED = 0


@dataclass(frozen=True)
class ScoreModel:
    """A forest of the final scores of n trials over their settings.

    Attributes:
        table: the settings.
        scores: overall at the end of training, 0 to 1, (n,).
        forest: predicts the scores from the settings.
        finished: how many of the trials were trained to their end; the others' scores are expected ones.
        left_out: how many trials have no score, or trained a run once more, settings and seed.
        seed_share: the part of the scores' variance that is between seeds of the same settings; None where no
            configuration has two seeds.
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
        [trial.intermediate_values or {0: trial.value or 0.0} for trial in used],
        [trial.value if trial.state == TrialState.COMPLETE else None for trial in used],
    )
    if not np.ptp(scores) or not searched_settings(study) - {"seed"}:
        return None
    model = fit_score_model(
        stored_space(study, configs[0]), configs, scores, sum(trial.state == TrialState.COMPLETE for trial in used)
    )
    return ScoreModel(**{**vars(model), "left_out": len(trials) - len(used)})


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
            yield RunConfig.model_validate_json(stored), trial


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
