"""Estimate what an ensemble of a study's trials would score, from stored dev predictions and without models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from core.statistics import Expectations
from data.errors import UserError
from search.analysis.checkpoints import folds_of, gold_of, stored_checkpoints
from search.ensemble.selection import GreedyOptions
from search.ensemble.selection_replay import SelectionReplay
from search.recorded.ranking import rank, ranked_trials
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["STEPS", "EnsembleForecast", "forecast_ensemble"]

STEPS = 10
_OPTIONS = GreedyOptions(STEPS, bags=20)
_CANDIDATES = 30
_MOST_TRIALS = 200  # whose rungs are looked at; no others are among the candidates of more than a rare resample


@dataclass(frozen=True)
class EnsembleForecast:
    """A bagged greedy ensemble of the best candidates, each at its best rung, and what to expect of it.

    Attributes:
        scores: the ensemble's, overall and of each task.
        gain: over the best single trial, chosen again in each resample; positive where the ensemble is better.
        best: number of the trial with the highest score.
        shares: trial -> share in every task's average, the largest first, sum 1; at most 10 trials.
        candidates: from how many trials it was selected, at most 30.
        trials: how many might have been candidates.
        resamples: number of resamples in which the selection was repeated.
        gone: numbers of trials that might have been candidates, but whose dev predictions are no longer there.
    """

    scores: Expectations
    gain: Expectations
    best: int
    shares: dict[int, float]
    candidates: int
    trials: int
    resamples: int
    gone: tuple[int, ...]


def forecast_ensemble(
    study: optuna.Study, folders: TrialFolders, data: Path | None = None
) -> tuple[EnsembleForecast | None, str]:
    """Estimate what an ensemble would score; or None and the reason, which is empty if no trial has finished."""
    ranked = sorted(ranked_trials(study), key=rank)  # by score alone, also where the study chose by means over runs
    if not ranked:
        return None, ""
    if len(ranked) == 1:
        return None, f"trial {ranked[0].number} is the only one that has finished"
    try:
        return _outlook(ranked, folders, data), ""
    except UserError as error:
        return None, str(error)


def _outlook(ranked: list[FrozenTrial], folders: TrialFolders, data: Path | None) -> EnsembleForecast:
    best = FinishedTrial.read(ranked[0])
    config = best.config_with_data(data)
    gold = gold_of(config)
    found, gone = stored_checkpoints(sorted(one.number for one in ranked[:_MOST_TRIALS]), folders, config.tasks)
    if best.number in gone:
        raise UserError(f"trial {best.number}'s dev predictions are gone (--runs-dir says where to look)")
    candidates = min(_CANDIDATES, len({one.trial for one in found}))
    replay = SelectionReplay(found, candidates, _OPTIONS, config.tasks, gold, folds_of(config))
    shares = replay.selected_on_all
    of_trials = next(iter(shares.values()))  # the same in every task
    return EnsembleForecast(
        scores=replay.expect(shares),
        gain=replay.expect_gain(shares),
        best=replay.best.trial,
        shares=dict(sorted(of_trials.items(), key=lambda item: -item[1])),
        candidates=candidates,
        trials=len(ranked),
        resamples=replay.resamples,
        gone=gone,
    )
