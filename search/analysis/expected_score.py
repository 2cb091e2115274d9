"""Estimate what a study's best trial will score on new data, by repeating its selection in resamples of dev."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import optuna

from core.statistics import Expectation, Expectations, replay_best_run, replay_selection
from data.errors import UserError
from search.analysis.checkpoints import Checkpoint, ScoredCheckpoints, stored_checkpoints
from search.analysis.ties import Ties
from search.recorded.ranking import WinnerByMean, best_trial, pick_trial, ranked_trials, recorded_choice
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["Estimate", "estimate", "estimate_best", "estimate_trial"]

MOST_CHECKPOINTS = 1500


@dataclass(frozen=True)
class Estimate:
    """What to expect of a trial that was selected by its overall score on dev.

    Attributes:
        scores: overall and of each task.
        trials: how many it was selected from, itself counted in.
        checkpoints: how many rungs these have together.
        resamples: number of resamples in which the selection was repeated.
        gone: numbers of trials that it was selected from as well, but whose predictions are no longer there.
        ties: between the trials that it was selected from.
    """

    trial: int
    scores: Expectations
    trials: int
    checkpoints: int
    resamples: int
    gone: tuple[int, ...] = ()
    ties: Ties = field(default_factory=Ties)

    @property
    def rows(self) -> dict[str, Expectation]:
        """``overall``, then each task."""
        return {"overall": self.scores.overall, **self.scores.tasks}

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as JSON data."""
        return {name: asdict(one) for name, one in self.rows.items()} | {
            "selected_from": {"trials": self.trials, "checkpoints": self.checkpoints},
            "resamples": self.resamples,
        }


def estimate_best(
    study: optuna.Study, folders: TrialFolders, directory: Path | None = None
) -> tuple[Estimate | None, str]:
    """Estimate the score of the study's best trial; or None and the reason, which is empty if no trial has finished."""
    best = best_trial(study)
    if best is None:
        return None, ""
    try:
        candidates, choice = [one.number for one in ranked_trials(study)], recorded_choice(study)
        if choice is not None:
            candidates = [number for of in choice.runs.values() for number in of]
        return estimate(FinishedTrial.read(best), candidates, folders, directory, choice), ""
    except UserError as error:
        return None, str(error)


def estimate_trial(
    study: optuna.Study, number: int, folders: TrialFolders, directory: Path | None = None
) -> tuple[Estimate | None, str]:
    """Like :func:`estimate_best`, but for any finished trial.

    One that is not the best was named by the user, for reasons that no resample knows: only its checkpoint was chosen
    by its scores.
    """
    best = best_trial(study)
    if best is not None and best.number == number:
        return estimate_best(study, folders, directory)
    try:
        return estimate(FinishedTrial.read(pick_trial(study, number)), [number], folders, directory), ""
    except UserError as error:
        return None, str(error)


def estimate(
    winner: FinishedTrial,
    candidates: Iterable[int],
    folders: TrialFolders,
    directory: Path | None = None,
    choice: WinnerByMean | None = None,
) -> Estimate:
    """Estimate the score of a trial at its best rung.

    In every resample the best rung of every candidate is chosen, and the best of them. Which trials were proposed and
    pruned is not repeated.

    Args:
        winner: the trial with the highest overall score of all candidates, one of them.
        candidates: numbers of all trials that would have been the winner with a higher score; those of the ``choice``
            where there is one.
        choice: of a configuration by the mean over its runs; the best of these is then the winner, and in every
            resample this choice comes before that.

    Raises:
        UserError: if the winner's predictions or the dev files are gone, are not those of the recorded scores, or
            there are too few dev examples.
    """
    config = winner.config_with_data(directory)
    specs = {name: config.tasks[name].spec for name in winner.result.scores}  # in the study's order
    found, gone = stored_checkpoints(sorted(candidates), folders, specs)
    if winner.number in gone:
        raise UserError(f"trial {winner.number}'s dev predictions are gone (--runs-dir says where to look)")
    checkpoints = _most_likely(found)
    at = _place(winner, checkpoints)
    scored = ScoredCheckpoints.of(checkpoints, config, specs)
    if choice is None:
        expectations = replay_selection(scored.bags, at, specs, scored.weights)
    else:
        runs = list(scored.configurations(choice.runs).values())
        expectations = replay_best_run(scored.bags, runs, at, specs, scored.weights)
    trials = len({one.trial for one in found})
    ties = Ties.of(winner.number, found, specs)
    return Estimate(winner.number, expectations, trials, len(found), scored.resamples, gone, ties)


def _place(winner: FinishedTrial, checkpoints: Sequence[Checkpoint]) -> int:
    for place, one in enumerate(checkpoints):
        if (one.trial, one.evaluation.rung) == (winner.number, winner.result.best_rung):
            return place
    raise UserError(f"trial {winner.number} no longer has its best rung, {winner.result.best_rung}, in metrics.jsonl")


def _most_likely(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Keep the best on dev, in their order, if there are very many: others are hardly ever selected in a resample."""
    by_score = sorted(range(len(checkpoints)), key=lambda index: -checkpoints[index].evaluation.overall)
    return [checkpoints[index] for index in sorted(by_score[:MOST_CHECKPOINTS])]
